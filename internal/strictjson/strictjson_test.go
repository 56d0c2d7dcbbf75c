package strictjson_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

func TestParse(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"a":1}`: true, `{"a":1} `: true, `[1.50, -2e3, "x", null, true]`: true,
		`{"a":1,"a":1}`: false, `{"a":{"b":1,"b":2}}`: false, `{"a":1}{}`: false, `{"a":1`: false, ``: false, `{"a":01}`: false,
		"\"\xff\"": false, `{"a":1,}`: false, `nul`: false, `{a:1}`: false, `"\ud800"`: false,
	} {
		if _, err := strictjson.Parse([]byte(text), 1000); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	// a and \u0061 are one name
	if _, err := strictjson.Parse([]byte(`{"a":1,"\u0061":2}`), 1000); err == nil {
		t.Error("a name repeated in escaped form is accepted")
	}
}

func TestBounds(t *testing.T) {
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := strictjson.Parse(nested(strictjson.MaxDepth), 1<<20); err != nil {
		t.Error(err)
	}
	if _, err := strictjson.Parse(nested(strictjson.MaxDepth+1), 1<<20); err == nil {
		t.Error("deeper than the bound")
	}
	if _, err := strictjson.Parse([]byte(`[1]`), 2); err == nil {
		t.Error("longer than the limit")
	}
}

func TestEqual(t *testing.T) {
	parse := func(s string) any {
		v, err := strictjson.Parse([]byte(s), 1000)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":2}`, `{"b":2.0,"a":1e0}`, true},
		{`12345678901234567890`, `12345678901234567000`, true}, // through a float64
		{`1`, `2`, false},
		{`"1"`, `1`, false},
		{`[]`, `{}`, false},
		{`null`, `false`, false},
		{`{"a":1}`, `{"a":1,"b":null}`, false},
		{`[1,2]`, `[2,1]`, false},
		{`1e999`, `1e998`, false},
		{`"a"`, `"A"`, false},
	} {
		if got := strictjson.Equal(parse(c.a), parse(c.b)); got != c.want {
			t.Errorf("Equal(%s, %s) is %v", c.a, c.b, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\u0061",{"b":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := strictjson.Parse(data, 1<<16)
		if err == nil && !strictjson.Equal(v, v) {
			// only a number beyond float64 differs from itself
			if !strings.ContainsAny(string(data), "eE0123456789") {
				t.Errorf("%q differs from itself", data)
			}
		}
	})
}
