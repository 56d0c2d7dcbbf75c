package strictjson_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

func TestNames(t *testing.T) {
	for range 2 { // the second set is the first one's, emptied
		n := strictjson.NewNames()
		for i := range 10_000 {
			if !n.Add(fmt.Append(nil, i)) {
				t.Fatalf("name %d is said to be there", i)
			}
		}
		for i := range 10_000 {
			if n.Add(fmt.Append(nil, i)) {
				t.Fatalf("name %d is said to be new", i)
			}
		}
		if n.Len() != 10_000 {
			t.Errorf("%d names", n.Len())
		}
		n.Free()
	}
}

// However an object is read, a name that stands twice in it is found, and said
// where, and its twin with another name is read.
func TestDuplicateNames(t *testing.T) {
	many := func(n int, last string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"n%d":"x",`, i)
		}
		return `{` + b.String() + `"` + last + `":"y"}`
	}
	read := map[string]func(data string) error{
		"Parse": func(data string) error {
			_, err := strictjson.Parse([]byte(`{"at":`+data+`}`), 1<<20)
			return err
		},
		"Table": func(data string) error {
			return strictjson.Members([]byte(`{"at":`+data+`}`), 1<<20, func(_ string, dec *jsontext.Decoder) error {
				return strictjson.Table(dec, func(_ []byte, dec *jsontext.Decoder) error { return strictjson.Skip(dec) })
			})
		},
		"Entries": func(data string) error {
			return strictjson.Members([]byte(`{"at":`+data+`}`), 1<<20, func(_ string, dec *jsontext.Decoder) error {
				return strictjson.Entries(dec, func(_, _ []byte) error { return nil })
			})
		},
	}
	for name, f := range read {
		for _, c := range []struct{ twin, twice, at string }{
			{many(1, "n1"), many(1, "n0"), "/at/n0"},
			{many(7, "n7"), many(7, "n6"), "/at/n6"},
			{many(1000, "n1000"), many(1000, "n500"), "/at/n500"},
			{`{"a":1,"\u0062":2}`, `{"a":1,"\u0061":2}`, "/at/a"},
			{`{"a/~":"","b":""}`, `{"a/~":"","a/~":""}`, "/at/a~1~0"},
			{`{"a":[{"b":1,"c":2}]}`, `{"a":[{"b":1,"b":2}]}`, "/at/a/0/b"},
		} {
			if err := f(c.twin); err != nil {
				t.Errorf("%s: %.40s: %v", name, c.twin, err)
			}
			if err := f(c.twice); err == nil || err.Error() != "duplicate name in JSON at "+c.at {
				t.Errorf("%s: %.40s: %v, want the duplicate at %s", name, c.twice, err, c.at)
			}
		}
		if err := strictjson.Members([]byte(`{"a":1,"a":2}`), 100, func(_ string, dec *jsontext.Decoder) error { return strictjson.Skip(dec) }); err == nil {
			t.Errorf("%s: the top's own", name)
		}
	}
}
