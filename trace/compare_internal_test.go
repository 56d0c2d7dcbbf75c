package trace

import (
	"strings"
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

// Where lists differ does not depend on the run, and an element that was put in
// is told by itself.
func TestDifferencesOfLists(t *testing.T) {
	list := func(s string) any {
		out := []any{}
		for _, e := range strings.Fields(s) {
			out = append(out, e)
		}
		return map[string]any{"l": out}
	}
	for _, c := range []struct{ want, got, paths string }{
		{"a b c", "a b c", ""},
		{"a b c", "a x b c", "/l/1"},
		{"a b c", "b c", "/l/0"},
		{"a b c", "a b c d", "/l/3"},
		{"a b c", "", "/l/0 /l/1 /l/2"},
		{"a b c d", "a x y d", "/l/1 /l/2"},
		{"a a", "a a a", "/l/2"},
	} {
		for range 20 {
			var paths []string
			for _, d := range differences(list(c.want), list(c.got)) {
				paths = append(paths, d.path)
			}
			if got := strings.Join(paths, " "); got != c.paths {
				t.Errorf("%q and %q differ at %q, want %q", c.want, c.got, got, c.paths)
			}
		}
	}
}

// Of long texts a finding has the part where they differ, and says which part.
func TestDifferencesOfLongTexts(t *testing.T) {
	long := strings.Repeat("a", 900)
	d := differences(map[string]any{"command": long + " && build"}, map[string]any{"command": long + " && evil"})
	if len(d) != 1 || d[0].want != long+" && build" || d[0].got != long+" && evil" {
		t.Errorf("%+v", d)
	}
	long = strings.Repeat("a", 9000)
	d = differences(map[string]any{"command": long + " && build"}, map[string]any{"command": long + " && evil" + long})
	if len(d) != 1 {
		t.Fatalf("%d differences", len(d))
	}
	want, _ := d[0].want.(string)
	got, _ := d[0].got.(string)
	if !strings.HasSuffix(want, "a && build [bytes 8504 to 9009 of 9009]") || !strings.Contains(got, "a && evil") || !strings.HasSuffix(got, " of 18008]") {
		t.Errorf("want %s\ngot %s", want[max(0, len(want)-100):], got[max(0, len(got)-100):])
	}
}
