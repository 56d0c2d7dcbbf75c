package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/fixtures"
	fixedca "github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/internal/report/reporttest"
	"github.com/mozilla-releng/cot/internal/transport"
)

// TestMain lets scripts run the commands as programs.
func TestMain(m *testing.M) {
	at := func(now time.Time, c Command) func() {
		return func() {
			os.Exit(Process(func(ctx context.Context, s IO) int {
				s.Now = func() time.Time { return now }
				s.tune = impatient
				return c(ctx, s)
			}))
		}
	}
	story := fixtures.New(1).Now
	as := func(c Command) func() { return at(story, c) }
	// By this variable a program that scripts start gets at a command, too.
	switch os.Getenv("COT_TEST_COMMAND") {
	case "cot-verify-graph":
		as(VerifyGraph)()
	case "cot-download":
		if hardship := os.Getenv("COT_TEST_HARDSHIP"); hardship != "" {
			if err := endure(hardship); err != nil {
				panic(err)
			}
		}
		as(Download)()
	}
	testscript.Main(m, map[string]func(){
		// A CA of the day before the story.
		"ca-before":        at(story.AddDate(0, 0, -1), Certs),
		"cot-certs":        certsByTheClock,
		"cot-download":     as(Download),
		"cot-verify-graph": as(VerifyGraph),
		"verify-later":     at(story.AddDate(0, 2, 0), VerifyGraph),
	})
}

// impatient makes what never recovers fail soon.
func impatient(c *transport.Config) {
	c.Attempts, c.MinWait, c.MaxWait = 3, time.Millisecond, 10*time.Millisecond
}

// TestScripts runs the stories in testdata/script, each against a world of its
// own. The extra
// commands are described at their functions.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup:               setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"schema":   schema,
			"leftover": leftover,
			"world":    changeWorld,
			"await":    await,
			"subst":    subst,
			"policy":   morePolicy,
		},
	})
}

type scriptKey struct{}

// scriptWorld is what a script's extra commands work on.
type scriptWorld struct {
	*fixtures.Standard
	server *fixtures.Server
	asked  chan struct{}           // closed when a hanging artifact is asked for
	paused map[string]fixtures.Run // runs that are still going on, by task, as they will be
}

// pause lets a task's last run go on until its report is published.
func (w *scriptWorld) pause(t *fixtures.Task) {
	r := t.Last()
	w.paused[t.ID] = *r
	r.State, r.Resolved, r.Artifacts, r.Document = fixtures.Running, time.Time{}, nil, nil
}

func setupScript(e *testscript.Env) error {
	w := &scriptWorld{Standard: fixtures.Release(1), asked: make(chan struct{}), paused: map[string]fixtures.Run{}}
	w.Toolchain.Artifact("public/build/clang.tar.zst").Content = fixtures.Bytes(toolchainArchive())
	var err error
	if w.server, err = w.Serve(fixtures.Options{}); err != nil {
		return err
	}
	e.Defer(func() { _ = w.server.Close() })
	e.Values[scriptKey{}] = w
	trust := filepath.Join(e.WorkDir, "trust")
	if err := os.Mkdir(trust, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(trust, "policy.yml"), []byte(w.PolicyYAML(w.server)), 0o644); err != nil {
		return err
	}
	e.Setenv("TASKCLUSTER_ROOT_URL", w.server.RootURL)
	e.Setenv("POLICY", filepath.Join(trust, "policy.yml"))
	for name, task := range map[string]*fixtures.Task{
		"BUILD": w.Build, "GENERIC": w.GenericBuild, "D2G": w.D2G, "SIGNING": w.Signing, "DECISION": w.Decision,
		"FOREIGN": w.ForeignSigner, "FETCH": w.Fetch, "TOOLCHAIN": w.Toolchain, "IMAGE": w.Image, "RERUN": w.Rerun,
		"FAILED": w.FailedBuild, "UNSIGNED": w.Unsigned, "TRY": w.TryBuild, "FORK": w.ForkBuild, "STORAGE": w.StorageTask,
	} {
		e.Setenv(name, task.ID)
	}
	e.Setenv("PROXY", w.server.ProxyURL)
	e.Setenv("CLIENT_ID", w.Clients[0].ID)
	e.Setenv("ACCESS_TOKEN", w.Clients[0].AccessToken)
	e.Setenv("CENTRAL", w.Central.URL())
	e.Setenv("NOW", w.Now.UTC().Format(time.RFC3339))
	for name, key := range map[string]ed25519.PrivateKey{"SCRIPTWORKER_KEY": w.Keys.Scriptworker, "DOCKER_KEY": w.Keys.DockerWorker} {
		public, _ := key.Public().(ed25519.PublicKey)
		e.Setenv(name, string(certs.Ed25519KeyID(public)))
	}
	e.Setenv("REVISION", w.Push.Revision())
	tool := fixtures.Bytes([]byte("a tool that no task made\n"))
	mux := http.NewServeMux()
	mux.HandleFunc("/tool", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(tool.Bytes()) })
	mux.Handle("/www/", http.StripPrefix("/www/", http.FileServer(http.Dir(filepath.Join(e.WorkDir, "www")))))
	elsewhere := httptest.NewServer(mux)
	e.Defer(elsewhere.Close)
	e.Setenv("ELSEWHERE", elsewhere.URL)
	e.Setenv("TOOL_SHA256", tool.SHA256())
	return nil
}

// exits CODE COMMAND ARGS...: the command ends with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// schema FILE: the file is a report as the schema has it.
func schema(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: schema FILE")
	}
	if err := reporttest.Validate([]byte(ts.ReadFile(args[0]))); err != nil {
		ts.Fatalf("%v", err)
	}
}

// leftover [DIR]: there is a file, or with "!" none, below the directory.
func leftover(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	var found []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, p)
		}
		return nil
	})
	ts.Check(err)
	if neg == (len(found) > 0) {
		ts.Fatalf("files below %s: %v", dir, found)
	}
}

// subst FILE...: replaces $NAME in files by the environment.
func subst(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		file := ts.MkAbs(name)
		ts.Check(os.WriteFile(file, []byte(os.Expand(ts.ReadFile(name), ts.Getenv)), 0o644))
	}
}

// policy FILE: makes trust/FILE, the policy with the file's lines in signers.
func morePolicy(ts *testscript.TestScript, _ bool, args []string) {
	policy, more := ts.ReadFile("trust/policy.yml"), ts.ReadFile(args[0])
	policy = strings.Replace(policy, "  unkeyedPools:", more+"  unkeyedPools:", 1)
	ts.Check(os.WriteFile(ts.MkAbs("trust/"+args[0]), []byte(policy), 0o644))
}

// await: until the hanging artifact is asked for.
func await(ts *testscript.TestScript, _ bool, _ []string) { <-worldOf(ts).asked }

func worldOf(ts *testscript.TestScript) *scriptWorld {
	w, _ := ts.Value(scriptKey{}).(*scriptWorld)
	return w
}

// changeWorld is the attacks and faults of the stories:
//
//	world flip TASK ARTIFACT       storage holds another bit
//	world flip-cdn TASK ARTIFACT   only the CDN does
//	world hang TASK ARTIFACT       the body stops coming
//	world status CODE PATH         the API answers so
//	world unlist TASK ARTIFACT     the run's listing lacks it
//	world env TASK NAME VALUE      the task ran with another variable than its graph has
//	world sign-name TASK NAME      the task adds a name to its document
//	world index NAMESPACE TASK     the index names that task
//	world certify KEY CHAIN        the workers sign under a certificate
//	world verification NAME GRAPH  a running task of that decision's graph; $NAME is its id
//	world publish TASK FILE        it is completed, and its report is the file
//	world restart TASK             it runs again
//	world rerun TASK               the task has another run
//	world kill TASK                likewise, and the run before was killed
//	world unchain TASK             the task's run has no certificates beside its document
func changeWorld(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	artifact := func() *fixtures.Artifact { return w.Task(args[1]).Artifact(args[2]) }
	switch args[0] {
	case "flip":
		w.Edit(func() { artifact().FlipStored(7) })
	case "flip-cdn":
		w.Edit(func() { artifact().FlipCDN(7) })
	case "hang":
		a, once := artifact(), make(chan struct{}, 1)
		w.server.Fault(fixtures.Fault{Stall: true, At: 1000, Match: func(r *http.Request) bool {
			hit := fixtures.Download(a)(r)
			if hit {
				select {
				case once <- struct{}{}:
					close(w.asked)
				default:
				}
			}
			return hit
		}})
	case "status":
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		w.server.Fault(fixtures.Fault{Match: fixtures.PathHas(args[2]), Status: code, RetryAfter: "0"})
	case "unlist":
		w.Edit(func() { artifact().Unlisted = true })
	case "env":
		w.Edit(func() {
			payload, _ := w.Task(args[1]).Definition["payload"].(fixtures.Object)
			env, _ := payload["env"].(fixtures.Object)
			env[args[2]] = args[3]
		})
	case "sign-name":
		w.Edit(func() {
			w.Task(args[1]).Last().Document.Edit = func(doc fixtures.Object) {
				list, _ := doc["artifacts"].(fixtures.Object)
				list[args[2]] = fixtures.Object{"sha256": fmt.Sprintf("%064d", 0)}
			}
		})
	case "certify":
		h, err := fixedca.Load([]byte(ts.ReadFile(args[1])), []byte(ts.ReadFile(args[2])))
		ts.Check(err)
		w.Edit(func() { w.CertifyAs(h) })
	case "unchain":
		w.Edit(func() { w.Task(args[1]).Last().Remove(fixtures.ChainName) })
	case "unsign":
		w.Edit(func() { w.Task(args[1]).Last().Document.Key = nil })
	case "verification":
		w.Edit(func() {
			t := w.Task(args[2]).Graph().Verification(strings.ToLower(args[1]))
			w.pause(t)
			ts.Setenv(args[1], t.ID)
		})
	case "publish":
		text := fixtures.Text(ts.ReadFile(args[2]))
		w.Edit(func() {
			t := w.Task(args[1])
			*t.Last() = w.paused[t.ID]
			t.Artifact(fixtures.ReportName).Content = text
		})
	case "restart":
		w.Edit(func() {
			w.Task(args[1]).Rerun()
			w.pause(w.Task(args[1]))
		})
	case "kill":
		w.Edit(func() {
			t := w.Task(args[1])
			t.Rerun()
			before := t.Run(-2)
			before.Resolve(fixtures.Exception, "claim-expired")
			before.Artifacts, before.Document = nil, nil
		})
	case "rerun":
		w.Edit(func() { w.Task(args[1]).Rerun() })
	case "index":
		w.Edit(func() { w.Index[args[1]] = w.Task(args[2]) })
	default:
		ts.Fatalf("world: unknown change %q", args[0])
	}
}

// toolchainArchive is a small tar.gz; its name in the world says otherwise,
// because content decides.
func toolchainArchive() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range []struct{ name, body string }{{"clang/bin/clang", "#!/bin/sh\n"}, {"clang/README", "a compiler\n"}} {
		_ = w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o755, Size: int64(len(f.body)), Format: tar.FormatUSTAR})
		_, _ = w.Write([]byte(f.body))
	}
	_ = errors.Join(w.Close(), z.Close())
	return b.Bytes()
}
