package depcheck

import (
	"go/ast"
	"testing"
)

// pure packages judge bytes, trust material, policy and one reference time.
// What they need from outside comes in through interfaces or arguments.
var pure = []string{"graph", "certs", "trace", "internal/strictjson", "internal/render"}

// effects are the ways out of a pure package; a directory covers what is below
// it. net/url and net/netip only parse and stay allowed.
var effects = map[string]string{
	"os":               "disk, environment, processes",
	"io/ioutil":        "disk",
	"path/filepath":    "depends on the system it runs on, and reads disk; use path",
	"net":              "network",
	"crypto/tls":       "network",
	"log":              "output",
	"syscall":          "the system",
	"golang.org/x/sys": "the system",
	"plugin":           "code from disk",
	"expvar":           "global state",
	"flag":             "arguments",
	"math/rand":        "not reproducible",
	"runtime/debug":    "process state",
	"testing":          "not for production code",
	"unsafe":           "no bounds",
	"C":                "no static build",
}

var parsersOnly = map[string]bool{"net/url": true, "net/netip": true}

// clock are functions that read the clock or wait for it. context.WithTimeout is
// not among them: it can only end work early, which refuses, never accepts.
var clock = map[string]map[string]bool{
	"time": {
		"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
		"Tick": true, "NewTimer": true, "NewTicker": true, "Local": true, "LoadLocation": true,
	},
	"context": {"WithDeadline": true, "WithDeadlineCause": true},
	"fmt":     {"Print": true, "Println": true, "Printf": true, "Scan": true, "Scanln": true, "Scanf": true},
}

func TestPurePackagesHaveNoEffects(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || !withinAny(s.pkg, pure) {
			continue
		}
		seen[s.pkg] = true
		for p, name := range s.imports {
			if name == "." {
				t.Errorf("%s: dot import of %s hides what is called", s.path, p)
			}
			for e, why := range effects {
				if within(p, e) && !parsersOnly[p] {
					t.Errorf("%s imports %s (%s): %s is pure, take an interface or a value instead", s.path, p, why, s.pkg)
				}
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			for p, functions := range clock {
				if s.imports[p] == x.Name && functions[sel.Sel.Name] {
					t.Errorf("%s uses %s.%s: %s is pure, take the time as a value", s.position(n), p, sel.Sel.Name, s.pkg)
				}
			}
			return true
		})
	}
	for _, p := range []string{"graph", "trace", "internal/strictjson"} {
		if !seen[p] {
			t.Errorf("no file of %s was looked at: has it moved?", p)
		}
	}
}

// exact packages handle what is signed, compared or verified. encoding/json
// matches names without case and lets the last duplicate win, which a task can
// use to overrule its worker.
var exact = []string{"graph", "certs", "trace", "internal/strictjson", "internal/queue"}

func TestSignedDataIsNotReadByEncodingJSON(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !withinAny(s.pkg, exact) {
			continue
		}
		if _, ok := s.imports["encoding/json"]; ok {
			t.Errorf("%s imports encoding/json: use internal/strictjson", s.path)
		}
	}
}
