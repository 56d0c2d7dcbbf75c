package cli

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/needed"
)

// The commands of docs/operations.md do what they say, and its policies and
// those of docs/step-ca are policies.
func TestOperationsDocument(t *testing.T) {
	needed.Programs(t, "openssl", "bash")
	dir := runDocument(t, "../../docs/operations.md", map[string]string{"passphrase": "correct horse battery\n"})
	out, _ := runCerts(t, exitUntrusted, "verify", "--root", filepath.Join(dir, "ca/root.pem"), "--require-crl=false",
		"--crl", filepath.Join(dir, "ca/crl/root.crl"), "--crl", filepath.Join(dir, "ca/crl/security.crl"), filepath.Join(dir, "worker2.pem"))
	if !strings.Contains(out, "cACompromise") {
		t.Errorf("below the revoked intermediate: %s", out)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, page := range []string{"operations.md", "step-ca/README.md"} {
		matches := blocks.FindAllStringSubmatch(string(read(t, "../../docs", page)), -1)
		if len(matches) == 0 {
			t.Errorf("%s has no policy", page)
		}
		for _, m := range matches {
			checkPolicy(t, dir, page, m[1])
		}
	}
}

// checkPolicy completes the `signers` of a page to a policy, and has
// cot-verify-graph judge it.
func checkPolicy(t *testing.T, dir, page, signers string) {
	t.Helper()
	at := t.TempDir()
	for name, from := range map[string]string{
		"root.pem": "ca/root.pem", "security.pem": "ca/security.pem", "step-ca.pem": "ca/security-2027.pem", "root.crl": "ca/crl/root.crl",
	} {
		writeTest(t, filepath.Join(at, name), string(read(t, dir, from)))
	}
	policy := writeTest(t, filepath.Join(at, "policy.yaml"), "apiVersion: cot/v1\nname: example\nrootUrl: https://tc.example.org\n"+signers+`
vcsHosts: {hg.example.org: {type: hg}}
products:
  app:
    vcs: hg
    envPrefix: APP
    tasksFor: [hg-push]
    repositories: [{host: hg.example.org, path: /app, level: 3, project: app}]
    decisionPools: [gecko-3/decision]
`)
	s, _, stderr := plainIO("policy", "check", policy)
	if code := VerifyGraph(t.Context(), s); code != exitOK {
		t.Errorf("%s: exit code %d: %s", page, code, stderr)
	}
}
