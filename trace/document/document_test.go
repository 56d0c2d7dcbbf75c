package document_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace/document"
)

const definition = `{"provisionerId":"a","workerType":"b","created":"2026-01-01T00:00:00.000Z","payload":{"env":{"X":"1","Y":"<\n"}},"scopes":["s"],"retries":5}`

// parse reads a document whose task is the text.
func parse(t *testing.T, task string, o document.Options) (*document.Document, []document.Problem) {
	t.Helper()
	pool := graph.WorkerPool{Provisioner: "a", WorkerType: "b"}
	pattern, err := graph.ParsePoolPattern("a/b")
	if err != nil {
		t.Fatal(err)
	}
	trust, err := certs.New(certs.Config{UnkeyedPools: []graph.PoolPattern{pattern}, Now: time.Unix(1_800_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	text := `{"chainOfTrustVersion":1,"artifacts":{"public/a":{"sha256":"` + strings.Repeat("0", 64) + `"}},` + task +
		`"taskId":"T","runId":0,"workerGroup":"g","workerId":"w","environment":{}}`
	v, err := trust.AcceptUnsigned(certs.Signed{
		Document: []byte(text), Forms: map[certs.Form][]byte{certs.FormSignature: make([]byte, 64)},
	}, certs.Worker{Implementation: graph.GenericWorker, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	o.Implementation, o.Limit = graph.GenericWorker, 1<<20
	return document.Parse(*v, o)
}

// Knowing the definition beforehand saves decoding it, and changes nothing else.
func TestTaskThatIsPlainlyTheDefinition(t *testing.T) {
	d, err := graph.ParseDefinition([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := graph.ParseDefinition([]byte(strings.Replace(definition, `"retries"`, `"Payload":1,"retries"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, task string
		of         *graph.Definition
		same       bool
	}{
		{"as the queue has it", definition, d, true},
		{"in another order", `{"retries":5, "scopes":["s"],"payload":{"env":{"Y":"\u003c\u000a","X":"1"}},"created":"2026-01-01T00:00:00.000Z","workerType":"b","provisionerId":"a"}`, d, true},
		{"another value", strings.Replace(definition, `"X":"1"`, `"X":"2"`, 1), d, false},
		{"a member more", strings.Replace(definition, `"X":"1"`, `"X":"1","Z":""`, 1), d, false},
		{"a member less", strings.Replace(definition, `"X":"1",`, ``, 1), d, false},
		{"a name twice", strings.Replace(definition, `"X":"1"`, `"X":"1","X":"1"`, 1), d, false},
		{"another spelling of a number", strings.Replace(definition, `5}`, `5.0}`, 1), d, false},
		{"a name that only case tells apart", strings.Replace(definition, `"retries"`, `"Payload":1,"retries"`, 1), unknown, false},
		{"not an object", `[]`, d, false},
		{"malformed", `{"a"}`, d, false},
		{"not UTF-8", strings.Replace(definition, `"s"`, "\"\xff\"", 1), d, false},
		{"none", ``, d, false},
	} {
		text := ""
		if c.task != "" {
			text = `"task":` + c.task + `,`
		}
		slow, want := parse(t, text, document.Options{})
		fast, got := parse(t, text, document.Options{Task: c.of.Pack()})
		if !reflect.DeepEqual(got, want) || (fast == nil) != (slow == nil) {
			t.Errorf("%s: problems %v, want %v", c.name, got, want)
			continue
		}
		if fast == nil {
			if c.same {
				t.Errorf("%s: %v", c.name, got)
			}
			continue
		}
		if fast.SameTask != c.same {
			t.Errorf("%s: said to be the same: %v", c.name, fast.SameTask)
		}
		if fast.SameTask && !strictjson.Equal(slow.Asserted.Task, c.of.Value()) {
			t.Errorf("%s: not the definition", c.name)
		}
		fast.SameTask, fast.Asserted.Task = slow.SameTask, slow.Asserted.Task
		if a, b := fmt.Sprintf("%+v", *fast), fmt.Sprintf("%+v", *slow); a != b {
			t.Errorf("%s: %s, want %s", c.name, a, b)
		}
	}
}
