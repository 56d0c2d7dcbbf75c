package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/trace/policy"
	"github.com/mozilla-releng/cot/trace/tree"
)

// A token is told to the host that it is of, and to no other.
func TestGitHubToken(t *testing.T) {
	const token = "ghs_secret"
	asked := map[string][]string{} // authorizations by host
	api := func(host string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked[host] = append(asked[host], r.Header.Get("Authorization"))
			w.Header().Set("ETag", `"tag"`)
			_, _ = w.Write([]byte(`{"full_name":"o/r"}`))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	tests := map[string]struct {
		hosts []string
		token string
		whose string
	}{
		"github.com":        {[]string{"github.com"}, token, "github.com"},
		"and another":       {[]string{"github.com", "github.example.org"}, token, "github.com"},
		"the only one":      {[]string{"github.example.org"}, token, "github.example.org"},
		"one of two others": {[]string{"github.example.com", "github.example.org"}, token, ""},
		"no token":          {[]string{"github.com"}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			clear(asked)
			hosts := ""
			for _, host := range tt.hosts {
				hosts += "  " + host + ": {type: github, api: '" + api(host) + "'}\n"
			}
			p, err := policy.Parse("policy.yml", []byte(`apiVersion: cot/v1
name: example
rootUrl: http://127.0.0.1:1
signers: {unkeyedPools: ["a/b"]}
vcsHosts:
  hg.example.org: {type: hg}
`+hosts+`products:
  x: {vcs: hg, envPrefix: X, tasksFor: [cron], repositories: [{host: hg.example.org, path: /x, level: 1}], decisionPools: ["a/b"]}
`), nil)
			if err != nil {
				t.Fatal(err)
			}
			s, _, _ := plainIO()
			s.Env = func(name string) (string, bool) {
				if name == "GITHUB_TOKEN" {
					return tt.token, tt.token != ""
				}
				return "", false
			}
			s.tune = impatient
			c := &common{jobs: 1, cacheDir: filepath.Join(t.TempDir(), "cache"), progress: "none"}
			d, err := c.connect(s, p, p.RootURL, c.newProgress(s, "x"))
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			for _, host := range tt.hosts {
				r, err := tree.ParseRepository("https://" + host + "/o/r")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := d.sources.GitHub.Repository(t.Context(), r); err != nil {
					t.Error(err)
				}
				want := ""
				if host == tt.whose {
					want = "Bearer " + token
				}
				if got := asked[host]; !slices.Equal(got, []string{want}) {
					t.Errorf("%s was asked with %q, want %q", host, got, want)
				}
			}
			if files, err := os.ReadDir(c.cacheDir); err != nil || len(files) != len(tt.hosts) {
				t.Errorf("%d answers kept, %v, want %d", len(files), err, len(tt.hosts))
			}
		})
	}
}

func TestGitHubTokenThatIsNone(t *testing.T) {
	p, ok := policy.Builtin(defaultRootURL)
	if !ok {
		t.Fatal("no policy")
	}
	for token, fine := range map[string]bool{"ghs_secret": true, "ghs_secret\n": false, "ghs secret": false} {
		s, _, _ := plainIO()
		s.Env = func(name string) (string, bool) { return token, name == "GITHUB_TOKEN" }
		c := &common{jobs: 1, progress: "none"}
		d, err := c.connect(s, p, p.RootURL, c.newProgress(s, "x"))
		if err == nil {
			d.close()
		}
		if (err == nil) != fine || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", token, err)
		}
	}
}
