package policy

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

// files is a directory in memory.
type files map[string]string

func (f files) ReadFile(name string, _ int64) ([]byte, error) {
	data, ok := f[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(data), nil
}

func (f files) ReadDir(name string, _ int) ([]string, error) {
	var out []string
	for n := range f {
		if n == name {
			return nil, ErrNotDirectory
		}
		if rest, below := strings.CutPrefix(n, name+"/"); below {
			base, _, _ := strings.Cut(rest, "/")
			if !slices.Contains(out, base) {
				out = append(out, base)
			}
		}
	}
	if out == nil {
		return nil, fs.ErrNotExist
	}
	return out, nil
}

const projectList = `
app-central:
  repo: https://hg.example.org/app-central
  repo_type: hg
  access: scm_level_3
  branches: [{name: default}]
`

// sampleFiles are the files that policies in these tests name.
var sampleFiles = func() files {
	root, other := ca.Root("root"), ca.Root("other")
	update := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	return files{
		"projects.yml": projectList,
		"roots.pem":    string(root.PEM()), "ca/other.pem": string(other.PEM()) + string(ca.Root("third").PEM()),
		"aws.pem": string(root.Intermediate("aws").PEM()), "tsa.pem": string(other.PEM()),
		"gecko.crl": string(root.CRL(1, update)), "tsa.crl": string(other.CRL(1, update)),
		"old-keys/one.asc": oldKey, "old-keys/two.asc": otherOldKey,
	}
}()

func sample(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// edit replaces a text that stands exactly once.
func edit(t testing.TB, s, old, new string) string {
	t.Helper()
	if n := strings.Count(s, old); n != 1 {
		t.Fatalf("%q stands %d times", old, n)
	}
	return strings.Replace(s, old, new, 1)
}

func mustParse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse("p.yaml", []byte(text), sampleFiles)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parseErrors(t testing.TB, text string) Errors {
	t.Helper()
	_, err := Parse("p.yaml", []byte(text), sampleFiles)
	var list Errors
	if err != nil && !errors.As(err, &list) {
		t.Fatalf("error of type %T, want Errors", err)
	}
	return list
}

func repo(t testing.TB, s string) tree.Repository {
	t.Helper()
	r, err := tree.ParseRepository(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pool(t testing.TB, s string) graph.WorkerPool {
	t.Helper()
	p, err := graph.ParseWorkerPool(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
