package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/trace"
)

// A host that is down is said once, not for every try of every file.
func TestALogSaysOnceThatAHostIsDown(t *testing.T) {
	var out bytes.Buffer
	p := newPlain(&out, "cot-download", time.Hour)
	event := p.fetched(make([]download.Item, 4))
	down := func(host string) error {
		return &graph.UnavailableError{What: "artifact", Reason: graph.Unreachable, Detail: "GET http://" + host + "/x: connection refused"}
	}
	retry := func(i int, err error) {
		event(download.Event{Kind: download.Retrying, Index: i, Path: fmt.Sprint("file-", i), Err: err})
	}
	for range 5 {
		for i := range 3 {
			retry(i, down("a.example:1"))
		}
	}
	retry(3, down("b.example"))
	retry(3, &download.MismatchError{What: "x"})
	retry(3, &download.MismatchError{What: "x"})
	p.line()
	retry(2, down("b.example\x1b[2J"))
	retry(2, down("b.example"))
	p.line()
	p.line()
	p.stop()
	const want = `cot-download: file-0: trying again: artifact: unreachable (GET http://a.example:1/x: connection refused)
cot-download: file-3: trying again: artifact: unreachable (GET http://b.example/x: connection refused)
cot-download: file-3: trying again: other bytes came than its worker made
cot-download: file-3: trying again: other bytes came than its worker made
cot-download: fetching: 0 of 4 files, 0 B; 14 more retries, the last of file-2: artifact: unreachable (GET http://a.example:1/x: connection refused)
cot-download: file-2: trying again: artifact: unreachable (GET http://b.example\x1b[2J/x: connection refused)
cot-download: fetching: 0 of 4 files, 0 B; 1 more retry, the last of file-2: artifact: unreachable (GET http://b.example/x: connection refused)
cot-download: fetching: 0 of 4 files, 0 B
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i := range 1000 { // names of hosts are others' choice
		retry(0, down(fmt.Sprint("h", i)))
	}
	if n := strings.Count(out.String(), "http://h"); n != maxTold-3 {
		t.Errorf("%d of 1000 hosts are said", n)
	}
}

func TestALogSaysOnceWhatIsWaitedFor(t *testing.T) {
	var out bytes.Buffer
	p := newPlain(&out, "cot-download", time.Hour)
	p.traced(trace.Event{Kind: "task"})
	p.line()
	p.waiting(errors.New("an older reason"), time.Second)
	p.waiting(errors.New("the pushlog: server error (status 503)\x1b[2J"), 2*time.Second)
	p.line()
	p.line()
	p.stop()
	const want = `cot-download: verifying: 1 tasks looked at
cot-download: verifying: 1 tasks looked at; trying again in 2s: the pushlog: server error (status 503)\x1b[2J
cot-download: verifying: 1 tasks looked at
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
