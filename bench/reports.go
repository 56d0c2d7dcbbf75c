//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mozilla-releng/cot/fixtures"
)

// servedReports is a graph whose tasks rely on a verification task's report.
type servedReports struct {
	RootURL, Policy string
	Input           string // TASK_ID:ARTIFACT
	Same, Apart     string // verification tasks: in that graph, and in an action's
	Control         string // URL that takes the report (PUT) and counts requests (GET)
}

// reportScenarios are a preamble that verifies everything itself, and ones that
// rely on a report.
func reportScenarios(ctx context.Context, dir string) ([]scenario, func(), error) {
	if err := buildCommands(ctx, dir); err != nil {
		return nil, nil, err
	}
	var s servedReports
	stop, err := startServer(ctx, "serve-reports", &s)
	if err != nil {
		return nil, nil, err
	}
	out, err := s.scenario(ctx, dir)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return []scenario{out}, stop, nil
}

func (s servedReports) scenario(ctx context.Context, dir string) (scenario, error) {
	policy, report := filepath.Join(dir, "reports-policy.yml"), filepath.Join(dir, "reports.json")
	if err := os.WriteFile(policy, []byte(s.Policy), 0o600); err != nil {
		return scenario{}, err
	}
	common := []string{"--policy", policy, "--root-url", s.RootURL, "--progress", "none", "-q"}
	verify := command{name: "report", dir: filepath.Join(dir, "made"), argv: append([]string{filepath.Join(dir, "bin", "cot-verify-graph"), "--format", "json", "-o", report}, common...)}
	task, _, _ := strings.Cut(s.Input, ":")
	verify.argv = append(verify.argv, task)
	if _, err := measure(ctx, verify, func(string) error { return nil }); err != nil {
		return scenario{}, err
	}
	data, err := os.ReadFile(report)
	if err != nil {
		return scenario{}, err
	}
	if _, err := s.control(ctx, http.MethodPut, data); err != nil {
		return scenario{}, err
	}
	out := scenario{check: s.check}
	for _, by := range []struct{ name, task string }{
		{"cot-download", ""},
		{"cot-download --report, of a task of that graph", s.Same},
		{"cot-download --report, of a task of an action's graph", s.Apart},
	} {
		argv := append([]string{filepath.Join(dir, "bin", "cot-download"), "-d", "."}, common...)
		if by.task != "" {
			argv = append(argv, "--report", by.task+":"+fixtures.ReportName)
		}
		c := command{name: by.name, dir: filepath.Join(dir, "dest"), argv: append(argv, s.Input)}
		if _, err := s.control(ctx, http.MethodGet, nil); err != nil {
			return scenario{}, err
		}
		if _, err := measure(ctx, c, s.check); err != nil {
			return scenario{}, err
		}
		n, err := s.control(ctx, http.MethodGet, nil)
		if err != nil {
			return scenario{}, err
		}
		c.name += fmt.Sprintf(": %d requests", n)
		out.commands = append(out.commands, c)
	}
	out.name = fmt.Sprintf("an input of %d links, graph of 15,000 tasks, %d ms for every answer", someLinks, latency.Milliseconds())
	return out, nil
}

// check: the input is there.
func (s servedReports) check(dir string) error {
	_, err := os.Stat(filepath.Join(dir, path.Base(s.Input)))
	return err
}

// control gives how many requests there were since it was last asked.
func (s servedReports) control(ctx context.Context, method string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.Control, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text))
}

// serveReports is serve for such a graph.
func serveReports(in io.Reader, out io.Writer) error {
	w := fixtures.New(1)
	graph := newGraph(w.Repository("/mozilla-central", "mozilla-central", "3"), "Bug 5 - a large graph")
	graph.Filler, graph.FillerBytes = graphEntries-(someLinks-1), graphBytes/graphEntries
	s := servedReports{Input: addChain(graph, someLinks) + ":public/build/target.tar.bz2.asc"}
	same := graph.Verification("same")
	promote := graph.Action("release-promotion", nil, fixtures.Object{
		"build_number": 1, "release_promotion_flavor": "promote_firefox", "previous_graph_ids": []any{graph.Decision.ID},
	})
	apart := promote.Graph().Verification("apart")
	s.Same, s.Apart = same.ID, apart.ID

	var requests atomic.Int64
	at, stop, err := deploy(w, fixtures.Options{NoLog: true, Latency: latency}, &fixtures.Fault{
		Match: func(*http.Request) bool {
			requests.Add(1)
			return false // it is no fault
		},
	})
	if err != nil {
		return err
	}
	defer stop()
	s.RootURL, s.Policy = at.RootURL, at.Policy
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.Control = "http://" + listener.Addr().String()
	var mu sync.Mutex
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if data, err := io.ReadAll(r.Body); err == nil && r.Method == http.MethodPut {
				w.Edit(func() {
					for _, t := range []*fixtures.Task{same, apart} {
						t.Artifact(fixtures.ReportName).Content = fixtures.Bytes(data)
					}
				})
			}
			_, _ = io.WriteString(rw, strconv.FormatInt(requests.Swap(0), 10))
		}))
	}()
	if err := json.NewEncoder(out).Encode(s); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
