package queue

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

const listingRoute = "GET queue/v1/task/" + taskID + "/runs/0/artifacts"

func page(token string, entries ...string) http.HandlerFunc {
	s := `{"artifacts":[` + strings.Join(entries, ",") + `]`
	if token != "" {
		s += `,"continuationToken":"` + token + `"`
	}
	return answer(200, s+"}")
}

func entry(name, storage string) string {
	return fmt.Sprintf(`{"name":%q,"storageType":%q,"expires":"2027-01-01T00:00:00.000Z","contentType":"text/plain"}`, name, storage)
}

func TestListingReadsEveryPage(t *testing.T) {
	d := newDeployment(t)
	d.on(listingRoute, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("continuationToken") {
		case "":
			page("t 1+", entry("public/a", "s3"), entry("public/b", "object"))(w, r)
		case "t 1+":
			page("t2", entry("public/c", "link"), entry("public/d", "reference"))(w, r)
		case "t2":
			page("t3")(w, r) // an empty page is not the end
		case "t3":
			page("", entry("public/e", "error"))(w, r)
		}
	})
	got, err := d.client().Artifacts(t.Context(), run(t, 0))
	if err != nil || len(got) != 5 {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, storage := range map[string]graph.Storage{
		"public/a": graph.S3, "public/b": graph.Object, "public/c": graph.Link, "public/d": graph.Reference, "public/e": graph.Error,
	} {
		if got[name].Storage != storage || got[name].Name != name || got[name].Expires.Year() != 2027 {
			t.Errorf("%s: %+v", name, got[name])
		}
	}
}

func TestListingThatCannotBeTrusted(t *testing.T) {
	n := 0
	tests := map[string]struct {
		h      http.HandlerFunc
		reason graph.Reason
		text   string
	}{
		"pages in a circle": {inTurn(page("a"), page("b"), page("a")), graph.Malformed, "circle"},
		"pages without end": {func(w http.ResponseWriter, r *http.Request) {
			n++
			page(fmt.Sprint(n))(w, r)
		}, graph.TooLarge, "500 pages"},
		"a name twice":            {page("", entry("a", "s3"), entry("a", "link")), graph.Malformed, "twice"},
		"a name on two pages":     {inTurn(page("x", entry("a", "s3")), page("", entry("a", "s3"))), graph.Malformed, "twice"},
		"a name of control chars": {page("", entry("a\nb", "s3")), graph.Malformed, "not an artifact name"},
		"an empty name":           {page("", entry("", "s3")), graph.Malformed, "not an artifact name"},
		"no storage type":         {page("", entry("a", "")), graph.Malformed, "storage type"},
		"no list":                 {answer(200, `{}`), graph.Malformed, "want an array"},
		"null token":              {answer(200, `{"artifacts":[],"continuationToken":null}`), graph.Malformed, "want a string"},
		"no such run":             {answer(404, `{"code":"ResourceNotFound","message":"no run"}`), graph.NotFound, "no run"},
		"no scope":                {answer(403, `{"code":"InsufficientScopes"}`), graph.Forbidden, "queue:list-artifacts:" + taskID + ":0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			d.on(listingRoute, tt.h)
			_, err := d.client().Artifacts(t.Context(), run(t, 0))
			wantReason(t, err, tt.reason, tt.text)
		})
	}
}
