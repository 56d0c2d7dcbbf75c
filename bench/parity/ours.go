package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ours is what cot-verify-graph's report says.
type ours struct {
	Verdict string
	Rules   []string // of its errors
	Errors  []string // in its words
	Tree    location // of the target
	Tasks   map[string]string
}

func (o ours) trusts() bool { return o.Verdict == "verified" || o.Verdict == "accepted" }

type finding struct{ Rule, Severity, Message string }

func (o *ours) add(about string, list []finding) {
	for _, f := range list {
		if f.Severity == "error" {
			o.Rules = append(o.Rules, f.Rule)
			o.Errors = append(o.Errors, fmt.Sprintf("%s: %s: %s", f.Rule, about, f.Message))
		}
	}
}

// buildOurs makes the commands of this checkout.
func buildOurs(ctx context.Context, dir string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir+"/", "./cmd/cot-verify-graph", "./cmd/cot-download")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the commands (run from the repository's root): %w", err)
	}
	return nil
}

// acceptFlags are what somebody says who wants a contribution verified.
var acceptFlags = []string{"--accept-untrusted-tree", "--accept-unsigned-pools"}

// verifyOurs runs the command, whose report must be there whatever it says.
func verifyOurs(ctx context.Context, binary, policyFile, rootURL, target string, flags ...string) (ours, error) {
	args := append([]string{"--policy", policyFile, "--root-url", rootURL, "--progress", "none", "--format", "json"}, flags...)
	command := exec.CommandContext(ctx, binary, append(args, target)...)
	// Nothing of the caller's: no token, no proxy, no running task.
	command.Env = []string{"HOME=" + filepath.Dir(policyFile)}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return ours{}, err
	}
	var report struct {
		Verdict string
		Tasks   []struct {
			TaskID, Parent, Name string
			Tree                 location
			Findings             []finding
		}
		Artifacts []struct{ Findings []finding }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return ours{}, fmt.Errorf("cot-verify-graph wrote no report (%w): %s", err, stderr.Bytes())
	}
	id, _, _ := strings.Cut(target, ":")
	o := ours{Verdict: report.Verdict, Tasks: map[string]string{}}
	for _, t := range report.Tasks {
		o.Tasks[t.TaskID] = t.Parent
		if t.TaskID == id {
			o.Tree = t.Tree
		}
		o.add(t.Name, t.Findings)
	}
	for _, a := range report.Artifacts {
		o.add(target, a.Findings)
	}
	slices.Sort(o.Rules)
	o.Rules = slices.Compact(o.Rules)
	return o, nil
}
