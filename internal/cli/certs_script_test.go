package cli

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/fixtures/tsa"
)

// certsByTheClock is cot-certs as a program. openssl, which judges what it
// makes, goes by the clock, and so does this one.
func certsByTheClock() {
	os.Exit(Process(func(ctx context.Context, s IO) int {
		s.tune = impatient
		return Certs(ctx, s)
	}))
}

// TestCertsScripts runs the stories of cot-certs. Each has a file "passphrase",
// a time-stamp authority at $TSA, and its root in tsa-root.pem.
func TestCertsScripts(t *testing.T) {
	needed.Programs(t, "openssl")
	authority := tsa.New(time.Now)
	server := httptest.NewServer(authority)
	t.Cleanup(server.Close)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/certs",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TSA", server.URL)
			root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Root.Raw})
			if err := os.WriteFile(filepath.Join(e.WorkDir, "tsa-root.pem"), root, 0o600); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "passphrase"), []byte("correct horse battery\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"new":   newCAForScript,
			"mode":  fileMode,
			"keep":  keepFile,
		},
	})
}

// new: a CA in ca/, its root's key in usb/root.key.
func newCAForScript(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.MkdirAll(ts.MkAbs("usb"), 0o700))
	ts.Check(ts.Exec("cot-certs", append([]string{
		"init", "--ca", "ca", "--root-url", "https://tc.example.org",
		"--root-key", "usb/root.key", "--root-passphrase-file", "passphrase",
	}, args...)...))
}

// mode OCTAL FILE...: the files have this mode.
func fileMode(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := info.Mode().Perm().String(); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", name, got, args[0])
		}
	}
}

// keep FILE...: the first time remembers the files, then they must be the same.
func keepFile(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		was := ts.MkAbs(".kept-" + filepath.Base(name))
		if _, err := os.Stat(was); err != nil {
			ts.Check(os.WriteFile(was, []byte(ts.ReadFile(name)), 0o600))
			continue
		}
		if ts.ReadFile(was) != ts.ReadFile(name) {
			ts.Fatalf("%s was changed", name)
		}
	}
}
