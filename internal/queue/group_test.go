package queue

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

const (
	groupID    = "GGGGGGGGQGGGGGGGGGGGGA"
	groupRoute = "GET queue/v1/task-group/" + groupID + "/list"
)

func member(n int) string { return fmt.Sprintf("%08dQ0000000000000", n)[:21] + "A" }

func memberJSON(id, state string) string {
	return fmt.Sprintf(`{"task":{"taskQueueId":"a/b","taskGroupId":%q,"created":"2026-01-01T00:00:00.000Z","payload":{}},
"status":{"taskId":%q,"state":%q,"runs":[{"runId":0,"state":%q,"scheduled":"2026-01-01T00:00:00.000Z"}]}}`, groupID, id, state, state)
}

func groupPage(token string, members ...string) http.HandlerFunc {
	s := `{"taskGroupId":"` + groupID + `","sealed":"2026-01-02T00:00:00.000Z","tasks":[` + strings.Join(members, ",") + `]`
	if token != "" {
		s += `,"continuationToken":"` + token + `"`
	}
	return answer(200, s+"}")
}

// Offsets skip and repeat while a group grows: it is listed until nothing new
// turns up, and a task has the status of the last time.
func TestGroupThatGrows(t *testing.T) {
	d := newDeployment(t)
	one, two, three := member(1), member(2), member(3)
	d.on(groupRoute, inTurn(
		groupPage("1", memberJSON(one, "pending")), groupPage("", memberJSON(one, "pending"), memberJSON(two, "pending")),
		groupPage("1", memberJSON(one, "running")), groupPage("", memberJSON(three, "pending")),
		groupPage("", memberJSON(three, "running"), memberJSON(two, "running"), memberJSON(one, "exception")),
	))
	g, err := d.client().Group(t.Context(), mustTask(t, groupID))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, task := range g.Tasks {
		got = append(got, task.ID.String()+" "+string(task.State))
	}
	if want := []string{one + " exception", two + " running", three + " running"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if g.Growing || g.Sealed.Year() != 2026 {
		t.Errorf("growing %v, sealed %v", g.Growing, g.Sealed)
	}
}

// Definitions are read once; what is listed again is still read strictly.
func TestGroupListedAgain(t *testing.T) {
	one := member(1)
	again := strings.Replace(memberJSON(one, "running"), `"payload":{}`, `"payload":{"a":%s}`, 1)
	for value, ok := range map[string]bool{`[{"b":1,"c":1}]`: true, `[{"b":1,"b":1}]`: false} {
		d := newDeployment(t)
		d.on(groupRoute, inTurn(groupPage("", memberJSON(one, "pending")), groupPage("", fmt.Sprintf(again, value))))
		g, err := d.client().Group(t.Context(), mustTask(t, groupID))
		if (err == nil) != ok {
			t.Errorf("%s: %v", value, err)
		}
		if ok && g.Tasks[0].State != "running" {
			t.Errorf("the task is %s", g.Tasks[0].State)
		}
	}
}

func TestGroupThatNeverRests(t *testing.T) {
	d, n := newDeployment(t), 0
	d.on(groupRoute, func(w http.ResponseWriter, r *http.Request) {
		n++
		groupPage("", memberJSON(member(n), "pending"))(w, r)
	})
	g, err := d.client().Group(t.Context(), mustTask(t, groupID))
	if err != nil || !g.Growing || len(g.Tasks) != maxGroupListings {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestGroupThatCannotBeTrusted(t *testing.T) {
	n := 0
	for name, tt := range map[string]struct {
		h      http.HandlerFunc
		reason graph.Reason
		text   string
	}{
		"pages in a circle": {inTurn(groupPage("a"), groupPage("b"), groupPage("a")), graph.Malformed, "circle"},
		"pages without end": {func(w http.ResponseWriter, r *http.Request) {
			n++
			groupPage(fmt.Sprint(n))(w, r)
		}, graph.TooLarge, "4000 pages"},
		"another group":           {answer(200, `{"taskGroupId":"`+member(1)+`","tasks":[]}`), graph.Malformed, "the answer is for"},
		"no list":                 {answer(200, `{"taskGroupId":"`+groupID+`"}`), graph.Malformed, "want an array"},
		"a task of another group": {groupPage("", strings.Replace(memberJSON(member(1), "pending"), groupID, member(2), 1)), graph.Malformed, "is of group"},
		"a task without id":       {groupPage("", `{}`), graph.Malformed, "/tasks/0"},
		"a token that is none":    {answer(200, `{"taskGroupId":"`+groupID+`","tasks":[],"continuationToken":1}`), graph.Malformed, "want a string"},
		"no such group":           {answer(404, `{"code":"ResourceNotFound","message":"no group"}`), graph.NotFound, "no group"},
		"no scope":                {answer(403, `{"code":"InsufficientScopes"}`), graph.Forbidden, "queue:list-task-group:" + groupID},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			d.on(groupRoute, tt.h)
			_, err := d.client().Group(t.Context(), mustTask(t, groupID))
			wantReason(t, err, tt.reason, tt.text)
		})
	}
}

func mustTask(t *testing.T, s string) graph.TaskID {
	t.Helper()
	id, err := graph.ParseTaskID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
