package trace

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// difference is one place where two JSON values are not the same.
type difference struct {
	path      string
	want, got any // nil where a side has nothing
}

// maxDifferences bounds how many of them a finding lists.
const maxDifferences = 20

// differences compares two values of strictjson. The diff itself is left to
// go-cmp, and only once the values are known to differ: it is made for people.
func differences(want, got any) []difference {
	if strictjson.Equal(want, got) {
		return nil
	}
	r := &pointerReporter{}
	a, b := alignLists(want, got)
	cmp.Equal(a, b, cmp.Reporter(r), numbers)
	if len(r.found) == 0 { // never call equal what Equal does not
		r.found = []difference{{want: brief(want), got: brief(got)}}
	}
	return r.found
}

// alignLists gives both values with their lists as objects from index to element,
// of which elements that are equal at both ends are left out. go-cmp itself pairs
// elements of lists by a search that differs from run to run.
func alignLists(want, got any) (any, any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return want, got
		}
		a, b := make(map[string]any, len(w)), make(map[string]any, len(g))
		for k, v := range w {
			a[k] = v
		}
		for k, v := range g {
			b[k] = v
			if v2, both := a[k]; both {
				a[k], b[k] = alignLists(v2, v)
			}
		}
		return a, b
	case []any:
		g, ok := got.([]any)
		if !ok {
			return want, got
		}
		first := 0
		for first < min(len(w), len(g)) && strictjson.Equal(w[first], g[first]) {
			first++
		}
		w, g = w[first:], g[first:]
		for len(w) > 0 && len(g) > 0 && strictjson.Equal(w[len(w)-1], g[len(g)-1]) {
			w, g = w[:len(w)-1], g[:len(g)-1]
		}
		a, b := map[string]any{}, map[string]any{}
		for i := range max(len(w), len(g)) {
			at := strconv.Itoa(first + i)
			switch {
			case i >= len(g):
				a[at] = w[i]
			case i >= len(w):
				b[at] = g[i]
			default:
				a[at], b[at] = alignLists(w[i], g[i])
			}
		}
		return a, b
	}
	return want, got
}

var numbers = cmp.FilterValues(
	func(a, b any) bool { return isNumber(a) && isNumber(b) },
	cmp.Comparer(func(a, b any) bool { return strictjson.Equal(a, b) }),
)

func isNumber(v any) bool {
	switch v.(type) {
	case strictjson.Number, float64:
		return true
	}
	return false
}

// pointerReporter collects differences with JSON Pointers.
type pointerReporter struct {
	path  cmp.Path
	found []difference
}

func (r *pointerReporter) PushStep(s cmp.PathStep) { r.path = append(r.path, s) }
func (r *pointerReporter) PopStep()                { r.path = r.path[:len(r.path)-1] }

func (r *pointerReporter) Report(result cmp.Result) {
	if result.Equal() || len(r.found) >= maxDifferences {
		return
	}
	d := difference{}
	for _, s := range r.path {
		switch s := s.(type) {
		case cmp.MapIndex:
			d.path = strictjson.Pointer(d.path, s.Key().String())
		}
	}
	want, got := r.path.Last().Values()
	if want.IsValid() && want.CanInterface() {
		d.want = want.Interface()
	}
	if got.IsValid() && got.CanInterface() {
		d.got = got.Interface()
	}
	d.want, d.got = briefPair(d.want, d.got)
	r.found = append(r.found, d)
}

// maxText bounds how many bytes of a text that differs a finding has: enough for
// the command of a decision task.
const maxText = 2000

// briefPair shortens two values that differ for a finding: of long texts it keeps
// the part where they do, and says which part of how much that is.
func briefPair(want, got any) (any, any) {
	a, ok := want.(string)
	b, ok2 := got.(string)
	if !ok || !ok2 {
		return brief(want), brief(got)
	}
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	from = max(0, from-maxText/4)
	return window(a, from), window(b, from)
}

func window(s string, from int) string {
	if len(s) <= maxText {
		return s
	}
	to := min(from+maxText, len(s))
	return fmt.Sprintf("%s [bytes %d to %d of %d]", strings.ToValidUTF8(s[from:to], ""), from, to, len(s))
}

// brief shortens a value for a finding.
func brief(v any) any {
	switch v := v.(type) {
	case string:
		if len(v) > 500 {
			return v[:497] + "..."
		}
		return v
	case strictjson.Number:
		if f, err := v.Float64(); err == nil && len(v) < 30 {
			return f
		}
		return brief(string(v))
	case map[string]any:
		if len(v) > 20 {
			return "an object with " + strconv.Itoa(len(v)) + " members"
		}
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = brief(e)
		}
		return m
	case []any:
		if len(v) > 20 {
			return "an array of " + strconv.Itoa(len(v)) + " elements"
		}
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = brief(e)
		}
		return l
	}
	return v
}

// canonical is a shallow copy of a definition in which the two ways to name a task
// queue are one and what is always free is gone. Free are priority, which the
// queue may change after the claim, and a default projectId.
func canonical(def map[string]any) map[string]any {
	out := make(map[string]any, len(def))
	for k, v := range def {
		out[k] = v
	}
	p, _ := out["provisionerId"].(string)
	w, _ := out["workerType"].(string)
	if p != "" && w != "" {
		if q, ok := out["taskQueueId"]; !ok || q == p+"/"+w {
			out["taskQueueId"] = p + "/" + w
			delete(out, "provisionerId")
			delete(out, "workerType")
		}
	}
	if id, _ := out["projectId"].(string); id == "none" {
		delete(out, "projectId")
	}
	delete(out, "priority")
	return out
}

// queueYear is the queue's "1 year", leap years or not.
const queueYear = 365 * 24 * time.Hour

// dropQueueDefaults removes keys that want lacks and that hold nothing but
// what the queue fills in by itself.
func dropQueueDefaults(got, want map[string]any, d *graph.Definition) {
	defaults := map[string]any{
		"dependencies": []any{}, "requires": "all-completed", "routes": []any{}, "scopes": []any{},
		"retries": strictjson.Number("5"), "tags": map[string]any{}, "extra": map[string]any{},
		"schedulerId": "-",
	}
	for k, v := range defaults {
		if _, named := want[k]; !named && strictjson.Equal(got[k], v) {
			delete(got, k)
		}
	}
	if _, named := want["expires"]; !named && d.Expires.Equal(d.Deadline.Add(queueYear)) {
		delete(got, "expires")
	}
}
