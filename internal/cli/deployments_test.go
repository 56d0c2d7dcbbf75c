package cli

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
)

// Deployments differ in what they speak; what is verified does not.
func TestDeployments(t *testing.T) {
	for name, o := range map[string]fixtures.Options{
		"over TLS": {TLS: true}, "without artifact-content": {Old: true}, "without artifact-content, over TLS": {Old: true, TLS: true},
		"pages of one": {PageSize: 1}, "without ranges": {NoRanges: true}, "20 requests at once at most": {RequestRate: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBadRun(t, o)
			args := []string{w.Build.ID + ":" + target, w.StorageTask.ID + ":public/object.bin", w.Rerun.ID + "/1:public/build/target.json"}
			if code, said := w.download("out", args...); code != 0 {
				t.Errorf("exit code %d\n%s", code, said)
			}
			w.Edit(func() { w.Build.Artifact(target).FlipStored(7) })
			if code, said := w.download("tampered", w.Build.ID+":"+target); code != exitUntrusted || !strings.Contains(said, "artifact-hash") {
				t.Errorf("tampered: exit code %d\n%s", code, said)
			}
			w.nothingIn("tampered")
		})
	}
}

// More fetches than an environment variable holds come from a file, and the
// documents and the graph are asked for once all the same.
func TestTwoThousandFetches(t *testing.T) {
	w := newBadRun(t, fixtures.Options{})
	var list []fixtures.Fetch
	for i := range 2000 {
		list = append(list, fixtures.Fetch{Task: w.Build, Artifact: "public/build/target.txt", Dest: fmt.Sprintf("fetches/dir-%04d", i)})
	}
	text := fixtures.Fetches(list...)
	if len(text) <= maxVariable {
		t.Fatalf("%d bytes would fit into a variable", len(text))
	}
	write(t, filepath.Join(w.dir, "fetches.list"), text, 0o600)
	if code, said := w.download("out", "--fetches", filepath.Join(w.dir, "fetches.list")); code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	found, err := filepath.Glob(filepath.Join(w.dir, "out", "fetches", "dir-*", "target.txt"))
	if err != nil || len(found) != 2000 {
		t.Errorf("%d files, want 2000; %v", len(found), err)
	}
	for _, part := range []string{w.Build.ID + "/0/" + fixtures.DocumentName + ".sig", "/json-pushes"} {
		if n := w.server.Count(part); n != 1 {
			t.Errorf("%d requests for %s, want 1", n, part)
		}
	}
}

// A body that breaks off is taken up where it broke, not from the start.
func TestBrokenBodyIsTakenUp(t *testing.T) {
	w := newBadRun(t, fixtures.Options{})
	a := w.Build.Artifact(target)
	w.server.Fault(fixtures.Fault{Match: fixtures.Download(a), Truncate: true, At: 10_000, Times: 1})
	if code, said := w.download("out", w.Build.ID+":"+target); code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	var ranges []string
	for _, r := range w.server.Requests() {
		if r.Service == fixtures.Store && strings.HasSuffix(r.Path, "/"+target) {
			ranges = append(ranges, r.Header.Get("Range"))
			if len(ranges) == 2 && (r.Header.Get("If-Range") == "" || r.Status != http.StatusPartialContent) {
				t.Errorf("the second request has If-Range %q and got status %d", r.Header.Get("If-Range"), r.Status)
			}
		}
	}
	if len(ranges) != 2 || ranges[0] != "" || ranges[1] != "bytes=10000-" {
		t.Errorf("ranges asked for: %q", ranges)
	}
}
