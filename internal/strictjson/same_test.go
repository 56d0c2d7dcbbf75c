package strictjson_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// manyNames is an object of that many members, in either order.
func manyNames(n int, backwards bool) string {
	var s []string
	for i := range n {
		if backwards {
			i = n - 1 - i
		}
		s = append(s, fmt.Sprintf(`"n%d":%d`, i, i))
	}
	return "{" + strings.Join(s, ",") + "}"
}

var sameCases = []struct {
	a, b string
	same bool // plainly; what is not may be equal all the same
}{
	{`{}`, ` { } `, true},
	{`[]`, "[\n]", true},
	{`[[],{},[{}]]`, `[ [ ] , { }, [ { } ] ]`, true},
	{`{"a":1,"b":[true,false,null,"x"]}`, "{ \"a\" : 1 ,\n\t\"b\" : [ true , false , null , \"x\" ] }", true},
	{`{"a":1,"b":{"c":2,"d":3},"e":"f"}`, `{"e":"f","b":{"d":3,"c":2},"a":1}`, true},
	{`{"a":1,"b":2,"c":3}`, `{"a":1,"c":3,"b":2}`, true},
	{`"a\"b\\"`, `"a\"b\\"`, true},
	{`"<&>"`, `"\u003c&\u003e"`, true},
	{`"\\"`, `"\\"`, true},
	{`"a\/b"`, `"a/b"`, true},
	{manyNames(200, false), manyNames(200, true), true},

	{manyNames(300, false), manyNames(300, true), false},
	{`{"\u0061":1}`, `{"\u0061":1}`, false}, // equal
	{`1`, `1.0`, false},                     // equal
	{`1e3`, `1e3`, false},                   // equal
	{`1e999`, `1e999`, false},               // no finite number is equal to itself only as text
	{`{"a":1}`, `{"a":1,"a":1}`, false},
	{`{"a":1,"b":2}`, `{"a":1,"b":2,"a":1}`, false},
	{`{"a":1,"b":2}`, `{"b":2,"a":1,"b":2}`, false},
	{`{"a":1,"b":2}`, `{"b":2,"b":2}`, false},
	{`{"a":1,"b":2}`, `{"a":1}`, false},
	{`{"a":1,"b":2}`, `{"b":2}`, false},
	{`{"a":1}`, `{"a":1,"b":2}`, false},
	{`{"a":1}`, `{"b":1}`, false},
	{`{"a":1}`, `{"A":1}`, false},
	{`{"a":1}`, `{}`, false},
	{`{}`, `{"a":1}`, false},
	{`[1,2]`, `[2,1]`, false},
	{`[1,2]`, `[1]`, false},
	{`[1]`, `[1,2]`, false},
	{`[]`, `[1]`, false},
	{`[1]`, `[]`, false},
	{`[]`, `{}`, false},
	{`"a"`, `"b"`, false},
	{`"a"`, `"a "`, false},
	{`"1"`, `1`, false},
	{`12`, `1`, false},
	{`-1`, `1`, false},
	{`null`, `false`, false},
	{`true`, `false`, false},
	{`"a\\"`, `"a\""`, false},
	{`"\n"`, `"n"`, false},
}

func TestSame(t *testing.T) {
	for _, c := range sameCases {
		if got := strictjson.Same([]byte(c.a), []byte(c.b)); got != c.same {
			t.Errorf("%.60s and %.60s: %v", c.a, c.b, got)
		}
		neverLooser(t, []byte(c.a), []byte(c.b))
	}
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if !strictjson.Same(deep(100), deep(100)) || strictjson.Same(deep(150), deep(150)) {
		t.Error("depth")
	}
	if strictjson.Same(nil, nil) || strictjson.Same([]byte(`1`), nil) {
		t.Error("nothing is no value")
	}
}

// neverLooser fails if two texts are called the same that are not, read strictly.
func neverLooser(t *testing.T, a, b []byte) {
	t.Helper()
	v, err := strictjson.Parse(a, 1<<20)
	if err != nil || !jsontext.Value(b).IsValid(jsontext.AllowDuplicateNames(true)) || !strictjson.Same(a, b) {
		return
	}
	w, err := strictjson.Parse(b, 1<<20)
	if err != nil {
		t.Fatalf("%q is called the same as %q, but: %v", b, a, err)
	}
	if !strictjson.Equal(v, w) {
		t.Fatalf("%q is called the same as %q", b, a)
	}
}

func FuzzSame(f *testing.F) {
	for _, c := range sameCases {
		if len(c.a) < 100 {
			f.Add(c.a, c.b)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		neverLooser(t, []byte(a), []byte(b))
		neverLooser(t, []byte(a), []byte(a+" "))
		// Other texts of a: its own, with spaces, and in another order.
		v := jsontext.Value(a)
		for _, rewrite := range []func(...jsontext.Options) error{v.Indent, v.Canonicalize} {
			if rewrite() == nil {
				neverLooser(t, []byte(a), v)
				neverLooser(t, v, []byte(a))
			}
		}
	})
}
