package render_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/internal/render"
)

// outcome is what the real thing gave: a value, or none. Refused is set where
// it gave one and we don't, on purpose.
type outcome struct {
	Want           any
	Fails, Refused bool
}

// differs says how a result differs from what it should be, if it does.
func (o outcome) differs(got any, err error) string {
	switch {
	case o.Fails && o.Refused:
		return "it fails with the real thing too: refused says nothing"
	case (o.Fails || o.Refused) != (err != nil), err == nil && !cmp.Equal(got, o.Want):
		return fmt.Sprintf("got %#v, %v\nwant %#v (fails: %v, refused: %v)", got, err, o.Want, o.Fails, o.Refused)
	}
	return ""
}

// vectors are made by testdata/generate.mjs with the services' own libraries.
func vectors(t testing.TB) (v struct {
	JSONE []struct {
		Template any
		Context  map[string]any
		outcome
	}
	YAML []struct {
		Text   string
		JS, PY outcome
	}
},
) {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.JSONE) < 300 || len(v.YAML) < 300 {
		t.Fatalf("only %d and %d vectors", len(v.JSONE), len(v.YAML))
	}
	return v
}

// A template renders as in JavaScript, or fails as there, or is refused where
// that is written down: never another value.
func TestJSONEVectors(t *testing.T) {
	for _, v := range vectors(t).JSONE {
		got, err := render.Render(t.Context(), v.Template, v.Context)
		if how := v.differs(got, err); how != "" {
			in, _ := json.Marshal(v.Template)
			with, _ := json.Marshal(v.Context)
			t.Errorf("%s with %s: %s", in, with, how)
		}
	}
}

// YAML reads what js-yaml reads and PyYAML what PyYAML reads, each with what
// it refuses written down.
func TestYAMLVectors(t *testing.T) {
	for _, v := range vectors(t).YAML {
		got, err := render.YAML([]byte(v.Text))
		if how := v.JS.differs(got, err); how != "" {
			t.Errorf("YAML %q: %s", v.Text, how)
		}
		got, err = render.PyYAML([]byte(v.Text))
		if how := v.PY.differs(got, err); how != "" {
			t.Errorf("PyYAML %q: %s", v.Text, how)
		}
	}
}
