//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// graphScenarios verifies whole groups, and beside them does nothing but fetch
// what that fetches.
func graphScenarios(ctx context.Context, dir string, wanted *regexp.Regexp) ([]scenario, func(), error) {
	if err := buildCommands(ctx, dir); err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	var graphs []servedGraph
	stop, err := startServer(ctx, "serve-graphs", &graphs)
	if err != nil {
		return nil, nil, err
	}
	var out []scenario
	for _, g := range graphs {
		name := fmt.Sprintf("%d tasks of a group", g.Tasks)
		if !wanted.MatchString(name) {
			continue
		}
		s, err := graphScenario(ctx, dir, self, name, g)
		if err != nil {
			stop()
			return nil, nil, err
		}
		out = append(out, s)
	}
	return out, stop, nil
}

func graphScenario(ctx context.Context, dir, self, name string, g servedGraph) (scenario, error) {
	at := func(name string) string { return filepath.Join(dir, fmt.Sprintf("%d-%s", g.Tasks, name)) }
	if err := os.WriteFile(at("policy.yml"), []byte(g.Policy), 0o600); err != nil {
		return scenario{}, err
	}
	dest := filepath.Join(dir, "dest")
	ours := command{name: "cot-verify-graph --group", dir: dest, argv: []string{
		filepath.Join(dir, "bin", "cot-verify-graph"), "--policy", at("policy.yml"), "--root-url", g.RootURL, "--progress", "none",
		"--format", "json", "-o", "report.json", "-q", "--group", g.Group,
	}}
	// What is asked for once is asked for every time, but for the order.
	if _, err := measure(ctx, ours, g.check); err != nil {
		return scenario{}, err
	}
	n, err := keepRequests(ctx, g, at("urls"))
	if err != nil {
		return scenario{}, err
	}
	return scenario{
		name: fmt.Sprintf("%s, %d requests", name, n),
		commands: []command{
			ours,
			{name: "fetch, hash, ed25519.Verify", dir: dest, argv: []string{self, "limit", at("urls"), fmt.Sprint(g.Tasks)}},
		},
		check: g.check,
	}, nil
}

// keepRequests writes the keys, then the URLs that were asked for, a line each.
func keepRequests(ctx context.Context, g servedGraph, name string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.Requests, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n := 0
	out := bufio.NewWriter(f)
	fmt.Fprintln(out, strings.Join(g.Keys, " "))
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); n++ {
		fmt.Fprintln(out, lines.Text())
	}
	return n, errors.Join(out.Flush(), f.Close())
}

// check reads how many tasks the report says are verified; the other program
// says how many documents are.
func (g servedGraph) check(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if os.IsNotExist(err) {
		return saidSo(g.Tasks)(dir)
	}
	if err != nil {
		return err
	}
	var r struct {
		Verdict string
		Summary struct{ Tasks, Verified int }
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	if r.Verdict != "verified" || r.Summary.Verified != g.Tasks {
		return fmt.Errorf("verdict %s of %d tasks, %d verified; want %d", r.Verdict, r.Summary.Tasks, r.Summary.Verified, g.Tasks)
	}
	return nil
}
