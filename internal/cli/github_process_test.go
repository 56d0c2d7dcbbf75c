package cli

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
)

// gitHubProxy is a proxy behind which github.com, its API and its raw files are
// the world's, under certificates of a CA of its own.
func gitHubProxy(t *testing.T, world string) (proxy, caFile string) {
	t.Helper()
	to, err := url.Parse(world)
	if err != nil {
		t.Fatal(err)
	}
	prefix := map[string]string{"api.github.com": "/api", "raw.githubusercontent.com": "/raw", "github.com": "/git"}
	inner := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
		r.Out.URL.Path, r.Out.URL.RawPath = prefix[r.In.Host]+r.In.URL.Path, ""
	}}
	config, ca, err := fixtures.TLS("github.com", "api.github.com", "raw.githubusercontent.com")
	if err != nil {
		t.Fatal(err)
	}
	hosts := httptest.NewUnstartedServer(inner)
	hosts.TLS = config
	hosts.StartTLS()
	t.Cleanup(hosts.Close)
	tunnel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := net.SplitHostPort(r.Host)
		if _, known := prefix[name]; !known || r.Method != http.MethodConnect {
			http.Error(w, "no such host", http.StatusBadGateway)
			return
		}
		back, err := net.Dial("tcp", hosts.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		front, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(back, front)
			_ = back.Close()
		}()
		_, _ = io.Copy(front, back)
		_ = front.Close()
	}))
	t.Cleanup(tunnel.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	return tunnel.URL, caFile
}

var gitHubForms = regexp.MustCompile(`(?m)^    (api|rawFile|git): .*\n`)

// With nothing said of them, GitHub's hosts are asked by their own names, by way
// of the environment's proxy and with its certificates.
func TestGitHubByItsOwnNames(t *testing.T) {
	world := fixtures.Events(1)
	server, err := world.Serve(fixtures.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	proxy, ca := gitHubProxy(t, server.GitHubURL)
	// Outside the directory that the command runs in, where inputs could replace it.
	policy := filepath.Join(t.TempDir(), "policy.yml")
	head, tail, ok := strings.Cut(world.PolicyYAML(server), "  github.com:\n")
	text := head + "  github.com:\n" + gitHubForms.ReplaceAllString(tail, "")
	if !ok || text == world.PolicyYAML(server) {
		t.Fatal("the policy names no GitHub host")
	}
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(task *fixtures.Task) (int, string) {
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), self, "--policy", policy, "--progress", "none", task.ID+":public/build/target.tar.bz2")
		cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &out, &out
		cmd.Env = append(os.Environ(), "COT_TEST_COMMAND=cot-download", "HTTPS_PROXY="+proxy, "NO_PROXY=", "SSL_CERT_FILE="+ca, "GITHUB_TOKEN=")
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), out.String()
	}
	for _, target := range []*fixtures.Target{world.Push, world.Merged, world.GitHubRelease, world.GitHubCron, world.GitHubAction} {
		if code, out := run(target.Build); code != 0 {
			t.Errorf("%s: exit code %d\n%s", target.Name, code, out)
		}
	}
	for _, host := range []string{"/api/", "/raw/", "/git/"} {
		if server.Count(host) == 0 {
			t.Errorf("nothing was asked of %s", host)
		}
	}
	// The twin: the same without the commit on the branch.
	world.Edit(func() { world.App.Main().Head = world.App.Main().Head.Parents[0].Parents[0].Parents[0] })
	if code, out := run(world.Merged.Build); code != 1 || !strings.Contains(out, "revision-not-in-tree") {
		t.Errorf("a commit that is not on the branch: exit code %d\n%s", code, out)
	}
}
