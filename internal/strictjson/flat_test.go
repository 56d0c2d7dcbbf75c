package strictjson_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// entries reads an object in one step or member by member.
func entries(data string, step bool) string {
	var out bytes.Buffer
	keep := func(name, text []byte) error {
		fmt.Fprintf(&out, "%q %q %v\n", name, text, text == nil)
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewBufferString(data))
	var err error
	if step {
		err = strictjson.Entries(dec, keep)
	} else {
		err = strictjson.Table(dec, func(name []byte, dec *jsontext.Decoder) error {
			text, ok, err := strictjson.Text(dec)
			if err != nil {
				return err
			}
			if !ok {
				text = nil
			}
			return keep(name, text)
		})
	}
	if err != nil {
		return "error"
	}
	return out.String()
}

var flatObjects = []string{
	`{}`, ` { } `, `{"a":"b"}`, "{ \"a\" :\t\"b\" ,\n\"c\" : 1.5e3 , \"d\":null,\"e\":true}", `{"a":""}`, `{"":""}`,
	`{"a":"x,y:z}","b":"c"}`, `{"a":"x{y","b":"[c"}`, `{"a\u0062":"c\n"}`, `{"a":{"b":"c"},"d":["e"],"f":"g"}`, `{"a":1}`, `{"é":"日本"}`,
	`{"a":"b","a":"c"}`, `{"a":"b"`, `{"a"}`, `[]`, `"a"`, `1`, ``, "{\"a\":\"\xff\"}", `{"a":"b",}`, `{"n":-1,"m":"x"}`, `{"m":"x","n":-1 }`,
}

func TestEntriesReadWhatTableReads(t *testing.T) {
	for _, data := range flatObjects {
		if got, want := entries(data, true), entries(data, false); got != want && want != "error" || (got == "error") != (want == "error") {
			t.Errorf("%s: %q, want %q", data, got, want)
		}
	}
}

func FuzzEntries(f *testing.F) {
	for _, data := range flatObjects {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if got, want := entries(data, true), entries(data, false); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	})
}
