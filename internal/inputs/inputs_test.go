package inputs

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mozilla-releng/cot/graph"
)

const (
	taskA = "AAAAAAAAAAAAAAAAAAAAAA"
	taskB = "BBBBBBBBBBBBBBBBBBBBBB"
	root  = "https://tc.example.com"
)

var (
	sha    = strings.Repeat("ab", 32)
	reader = Reader{RootURL: root, Dest: filepath.FromSlash("/dest")}
)

func id(t *testing.T, s string) graph.TaskID {
	t.Helper()
	v, err := graph.ParseTaskID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func run(n int) *graph.RunID { r := graph.RunID(n); return &r }

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestArgument(t *testing.T) {
	for arg, want := range map[string]Input{
		taskA + ":public/a.tar.gz":       {Names: Name("public/a.tar.gz"), Place: Place{".", BaseName, Keep, ""}},
		taskA + "/1:public/a":            {Run: run(1), Names: Name("public/a"), Place: Place{".", BaseName, Keep, ""}},
		taskA + ":public/a=b/c":          {Names: Name("public/a"), Place: Place{"b/c", Exact, Keep, ""}},
		taskA + ":public/a=b/c/":         {Names: Name("public/a"), Place: Place{"b/c", BaseName, Keep, ""}},
		taskA + ":public/**=./":          {Names: Glob("public/**"), Place: Place{".", BaseName, Keep, ""}},
		taskA + ":public/a=/dest/sub/x":  {Names: Name("public/a"), Place: Place{"sub/x", Exact, Keep, ""}},
		taskA + ":a:b":                   {Names: Name("a:b"), Place: Place{".", BaseName, Keep, ""}},
		taskA + ":public/a=sub/../other": {Names: Name("public/a"), Place: Place{"other", Exact, Keep, ""}},
	} {
		got, err := reader.Argument(arg)
		if err != nil {
			t.Errorf("%s: %v", arg, err)
			continue
		}
		want.Task, want.Source = id(t, taskA), "argument "+arg
		if diff := cmp.Diff(want, got, cmp.Comparer(samePattern), cmp.AllowUnexported(graph.TaskID{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", arg, diff)
		}
	}
}

func samePattern(a, b Pattern) bool { return a.String() == b.String() && a.IsGlob() == b.IsGlob() }

func TestArgumentRefused(t *testing.T) {
	for arg, want := range map[string]string{
		"":                              "TASK_ID",
		"public/a":                      "TASK_ID",
		"short:public/a":                "not a task id",
		taskA + "/x:public/a":           "not a run number",
		taskA + "/-1:public/a":          "not a run number",
		taskA + ":":                     "not an artifact name",
		taskA + ":public/\u202ea":       "not an artifact name",
		taskA + ":public/":              "no file name",
		taskA + ":public/..":            "no file name",
		taskA + ":public/a=":            "empty path",
		taskA + ":public/a=../b":        "outside the destination",
		taskA + ":public/a=x/../../b":   "outside the destination",
		taskA + ":public/a=/etc/passwd": "outside the destination",
		taskA + ":public/a=.":           "is a directory",
		taskA + ":public/*=b":           "a glob needs a directory",
	} {
		_, err := reader.Argument(arg)
		wantError(t, err, want)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		glob     string
		yes, not []string
	}{
		{"public/*.zip", []string{"public/a.zip", "public/.zip"}, []string{"public/x/a.zip", "public/a.zipx", "xpublic/a.zip"}},
		{"public/**", []string{"public/a", "public/x/y/a"}, []string{"public", "private/a"}},
		{"public/**/a", []string{"public/a", "public/x/a", "public/x/y/a"}, []string{"public/xa", "public/a/b"}},
		{"**/a", []string{"a", "x/y/a"}, []string{"xa"}},
		{"public/x**y", []string{"public/xy", "public/x/1/y"}, []string{"public/x"}},
		{"public/[ab]?.(x)*", []string{"public/[ab]?.(x)1"}, []string{"public/ac.x"}},
		{"public/a", []string{"public/a"}, []string{"public/b", ""}},
	} {
		p := Glob(c.glob)
		for _, name := range c.yes {
			if !p.Match(name) {
				t.Errorf("%s does not match %s", c.glob, name)
			}
		}
		for _, name := range c.not {
			if p.Match(name) {
				t.Errorf("%s matches %s", c.glob, name)
			}
		}
	}
	if (Pattern{}).Match("") {
		t.Error("the zero pattern matches")
	}
}

// The answers are those of Python's fnmatch.fnmatchcase.
func TestFnMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"public/*.zip", "public/x/a.zip", true},
		{"public/*", "private/a", false},
		{"*?", "", false},
		{"*[ab]", "xa", true},
		{"*[!ab]", "xa", false},
		{"*[!ab]", "xc", true},
		{"*[]]", "x]", true},
		{"*[", "x[", true},
		{"*[a-c].zip", "b.zip", true},
		{"*[z-a]", "x[z-a]", true},
		{`*[\]`, `x\`, true},
		{"*[^a]", "x^", true},
		{"a[b]", "a[b]", true}, // without "*" it is a name
		{"a.b*", "axb", false},
	} {
		if got := FnMatch(c.pattern).Match(c.name); got != c.want {
			t.Errorf("FnMatch(%q).Match(%q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestFetches(t *testing.T) {
	got, err := reader.Fetches("MOZ_FETCHES", []byte(`[
		{"artifact": "public/build/x.tar.zst", "dest": "sub/dir", "extract": true, "task": "`+taskA+`", "verify-hash": true},
		{"artifact": "public/y", "extract": false, "task": "`+taskB+`"},
		{"artifact": "private/z", "task": "`+taskB+`"}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Input{
		{Source: "MOZ_FETCHES/0", Task: id(t, taskA), Names: Name("public/build/x.tar.zst"), Place: Place{"sub/dir", BaseName, Auto, ""}},
		{Source: "MOZ_FETCHES/1", Task: id(t, taskB), Names: Name("public/y"), Place: Place{".", BaseName, Keep, ""}},
		{Source: "MOZ_FETCHES/2", Task: id(t, taskB), Names: Name("private/z"), Place: Place{".", BaseName, Auto, ""}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(samePattern), cmp.AllowUnexported(graph.TaskID{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEmptyListIsNoError(t *testing.T) {
	if got, err := reader.Fetches("MOZ_FETCHES", []byte("[]")); err != nil || len(got) != 0 {
		t.Errorf("[] gives %v, %v", got, err)
	}
}

func TestFetchesRefused(t *testing.T) {
	ok := `"artifact": "public/a", "extract": true, "task": "` + taskA + `"`
	for in, want := range map[string]string{
		``:                               "JSON",
		`{}`:                             "want a list, found an object",
		`null`:                           "want a list, found null",
		`[{` + ok + `}`:                  "ends too early",
		`[{` + ok + `}] x`:               "data after",
		`[{` + ok + `, "task": "x"}]`:    "duplicate",
		`[[]]`:                           "want an object",
		`[{` + ok + `, "Dest": "x"}]`:    `unknown key "Dest"`,
		`[{` + ok + `, "sha256": "x"}]`:  `unknown key "sha256"`,
		`[{"artifact": "public/a"}]`:     `"task" is missing`,
		`[{"task": "` + taskA + `"}]`:    `"artifact" is missing`,
		`[{` + ok + `, "dest": "../x"}]`: "outside the destination",
		`[{` + ok + `, "dest": 1}]`:      `"dest": want a string`,
		`[{"artifact": "a/..", "task": "` + taskA + `"}]`:      "no file name",
		`[{"artifact": "a", "extract": "no", "task": ""}]`:     `"extract": want true or false`,
		`[{"artifact": "a", "extract": true, "task": "evil"}]`: "not a task id",
	} {
		_, err := reader.Fetches("MOZ_FETCHES", []byte(in))
		wantError(t, err, want)
	}
}

// A fetch's artifact is a name even if it looks like a glob.
func TestFetchesHaveNoGlobs(t *testing.T) {
	got, err := reader.Fetches("f", []byte(`[{"artifact": "public/*", "task": "`+taskA+`"}]`))
	if err != nil || got[0].Names.IsGlob() {
		t.Errorf("%v, %v", got, err)
	}
}

func TestUpstream(t *testing.T) {
	doc := `[{"taskId": "` + taskA + `", "taskType": "build", "paths": ["public/a", "public/*.x"], "formats": ["gpg"]},
		{"taskId": "` + taskB + `", "taskType": "l10n", "paths": ["public/b"], "locale": "de", "optional": true}]`
	want := []Input{
		{Source: "u/0/paths/0", Task: id(t, taskA), Names: Name("public/a"), Place: Place{taskA, FullName, Keep, ""}},
		{Source: "u/0/paths/1", Task: id(t, taskA), Names: FnMatch("public/*.x"), Place: Place{taskA, FullName, Keep, ""}},
		{Source: "u/1/paths/0", Task: id(t, taskB), Optional: true, Names: Name("public/b"), Place: Place{taskB, FullName, Keep, ""}},
	}
	got, err := reader.Upstream("u", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(samePattern), cmp.AllowUnexported(graph.TaskID{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for in, want := range map[string]string{
		`[{"taskId": "` + taskA + `"}]`:                             `"paths" is missing`,
		`[{"taskId": "` + taskA + `", "paths": ["../../x"]}]`:       "not a path below",
		`[{"taskId": "` + taskA + `", "paths": ["/etc/passwd"]}]`:   "not a path below",
		`[{"taskId": "` + taskA + `", "paths": [1]}]`:               "want a string",
		`[{"taskId": "..", "paths": ["public/a"]}]`:                 "not a task id",
		`[{"taskId": "` + taskA + `", "paths": [], "optional": 1}]`: "want true or false",
	} {
		_, err := reader.Upstream("u", []byte(in))
		wantError(t, err, want)
	}
}

func TestExpand(t *testing.T) {
	ref := graph.RunRef{Task: id(t, taskA), Run: 1}
	names := []string{"public/b", "public/a", "public/x/a", "other"}
	for arg, want := range map[string][]string{
		taskA + ":public/*":         {"a", "b"},
		taskA + ":public/**=d/":     {"d/a", "d/b", "d/a"},
		taskA + ":public/absent":    {"absent"},
		taskA + ":nothing/*":        nil,
		taskA + ":public/a=renamed": {"renamed"},
	} {
		in, err := reader.Argument(arg)
		if err != nil {
			t.Fatal(err)
		}
		items, err := in.Expand(ref, names)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, it := range items {
			got = append(got, it.Path)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", arg, diff)
		}
	}
}

// Names in a signed document are what a task wrote.
func TestHostileNamesBehindAGlob(t *testing.T) {
	ref := graph.RunRef{Task: id(t, taskA)}
	up, err := reader.Upstream("u", []byte(`[{"taskId": "`+taskA+`", "paths": ["*"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	arg, err := reader.Argument(taskA + ":**")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []Input{up[0], arg} {
		for _, name := range []string{"public/..", "x\x1b[2J", "public/\u202eexe", ""} {
			if items, err := in.Expand(ref, []string{name}); err == nil && len(items) > 0 {
				t.Errorf("%s takes %q as %v", in.Source, name, items)
			}
		}
	}
	if _, err := up[0].Expand(ref, []string{"../../etc/passwd"}); err == nil {
		t.Error("a name leads out of the destination")
	}
	if items, err := up[0].Expand(ref, []string{"public/good"}); err != nil || items[0].Path != taskA+"/public/good" {
		t.Errorf("the accepted twin: %v, %v", items, err)
	}
}

func TestDistinct(t *testing.T) {
	ref := graph.RunRef{Task: id(t, taskA)}
	a := Item{Run: ref, Name: "public/a", Path: "a"}
	other := a
	other.Name = "other/a" // another artifact at the same place is for the writer to refuse
	unpacked := a
	unpacked.Place.Unpack = Auto
	got := Distinct([]Item{a, a, other, unpacked, a})
	if len(got) != 3 {
		t.Errorf("%d items remain, want 3: %v", len(got), got)
	}
}
