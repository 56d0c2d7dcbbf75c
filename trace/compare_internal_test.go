package trace

import (
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// The queue's default for expires is 365 days after the deadline, over a 29
// February too.
func TestDefaultExpires(t *testing.T) {
	for _, deadline := range []string{"2026-06-15T00:00:00.000Z", "2027-06-15T00:00:00.000Z"} {
		at, err := time.Parse(time.RFC3339, deadline)
		if err != nil {
			t.Fatal(err)
		}
		for days, want := range map[int]int{365: 0, 364: 1} {
			d := &graph.Definition{Deadline: at, Expires: at.Add(time.Duration(days) * 24 * time.Hour)}
			got := map[string]any{"expires": d.Expires.Format(queueTime)}
			dropQueueDefaults(got, map[string]any{}, d)
			if len(got) != want {
				t.Errorf("deadline %s, expires %s: %v is left", deadline, d.Expires, got)
			}
		}
	}
}
