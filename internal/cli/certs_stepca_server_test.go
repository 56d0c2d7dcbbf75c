package cli

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/needed"
)

// stepCA is the directory in which the commands of docs/step-ca run, and the
// server that they talk to.
type stepCA struct {
	t        *testing.T
	dir      string
	sections map[string]string // the page's commands, by heading
	server   *exec.Cmd
	url      string
}

// newStepCA puts the files in place, with names and ports of this machine.
func newStepCA(t *testing.T) *stepCA {
	s := &stepCA{t: t, dir: t.TempDir(), sections: map[string]string{}}
	published := httptest.NewServer(http.FileServer(http.Dir(s.dir)))
	t.Cleanup(published.Close)
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "https://localhost:" + port
	here := strings.NewReplacer(
		"https://crl.tc.example.org", published.URL, "https://"+stepCAName, s.url,
		stepCAName, "localhost", `":443"`, `"`+address+`"`,
	).Replace
	for _, name := range []string{"ca.json", "worker.tpl", "token", "request"} {
		writeTest(t, filepath.Join(s.dir, name), here(string(read(t, "../../docs/step-ca", name))))
	}
	for _, name := range []string{"token", "request"} {
		if err := os.Chmod(filepath.Join(s.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeTest(t, filepath.Join(s.dir, "passphrase"), "correct horse battery\n")
	writeTest(t, filepath.Join(s.dir, "chain-of-trust.json"), "{}")
	for part := range strings.SplitSeq(here(string(read(t, "../../docs/step-ca/README.md"))), "\n## ") {
		heading, text, _ := strings.Cut(part, "\n")
		for _, m := range shellBlock.FindAllStringSubmatch(text, -1) {
			s.sections[heading] += m[1]
		}
	}
	return s
}

// freeAddress is one on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// toolPath finds a program that `make deps` builds for the tests. It skips the
// test by name where the program is missing; in CI it fails.
func toolPath(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../.tools/bin", name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return needed.Program(t, name)
	}
	return path
}

// shell runs commands in the directory.
func (s *stepCA) shell(script string) (string, error) {
	cmd := exec.Command("bash", "-c", "set -euo pipefail\n"+script)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "CA="+s.url, "PATH="+programs(s.t)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *stepCA) run(heading string) {
	s.t.Helper()
	script, ok := s.sections[heading]
	if !ok {
		s.t.Fatalf("the page has no commands under %q", heading)
	}
	if out, err := s.shell("export CURL_CA_BUNDLE=root.pem\n" + script); err != nil {
		s.t.Fatalf("%s: %v\n%s", heading, err, out)
	}
}

// start runs the server until the test ends.
func (s *stepCA) start(program string) {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = exec.Command(program, "ca.json")
	s.server.Dir, s.server.Stdout, s.server.Stderr = s.dir, log, log
	s.server.Env = append(os.Environ(), "STEPPATH="+s.dir)
	if err := s.server.Start(); err != nil {
		s.t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- s.server.Wait() }()
	s.t.Cleanup(func() {
		_ = s.server.Process.Kill()
		<-gone
		_ = log.Close()
	})
	s.until("the server answers", func() bool {
		select {
		case err := <-gone:
			gone <- err
			s.t.Fatalf("step-ca: %v\n%s", err, read(s.t, s.dir, "log"))
		default:
		}
		_, err := s.shell("curl -sf --cacert root.pem $CA/health")
		return err == nil
	})
}

// until waits half a minute at most.
func (s *stepCA) until(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			log := read(s.t, s.dir, "log")
			s.t.Fatalf("waited for long: %s\n%s", what, log[max(0, len(log)-2000):])
		}
	}
}

// reload gives the server another configuration, as an operator does.
func (s *stepCA) reload(config string) {
	s.t.Helper()
	writeTest(s.t, filepath.Join(s.dir, "ca.json"), config)
	before := s.serverCertificate()
	if err := s.server.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	s.until("the server has read its configuration again", func() bool {
		now := s.serverCertificate()
		return now != "" && now != before
	})
}

// serverCertificate is made anew whenever the server begins.
func (s *stepCA) serverCertificate() string {
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{InsecureSkipVerify: true}) // only to look at it
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
}
