package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
)

// demo shows a verified download, then the same with one bit changed in
// storage, refused: from a Taskcluster inside this process, without network.
// The exit code is 0 if both went as they must.
func demo(ctx context.Context, s IO) (code int, err error) {
	world := fixtures.Demo()
	server, err := world.Serve(fixtures.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	dir, err := os.MkdirTemp("", "cot-demo-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	policy := filepath.Join(dir, "policy.yml")
	if err := os.WriteFile(policy, []byte(world.PolicyYAML(server)), 0o600); err != nil {
		return 0, err
	}
	d := demonstration{s: s, dir: dir, policy: policy, root: server.RootURL, now: world.Now}
	d.input = world.Build.ID + ":" + world.Artifact.Name
	d.heading("A build's artifact, from a trusted commit:")
	if code, err := d.download(ctx, "inputs"); err != nil || code != exitOK {
		return exitUntrusted, errors.Join(err, ctx.Err())
	}
	world.Tamper()
	d.heading("\nThe same, after somebody changed one bit of it in storage:")
	code, err = d.download(ctx, "tampered")
	if err == nil && code == exitUntrusted && d.left("tampered") == 0 {
		d.heading("\nRefused, with exit code 1, and no file was left. That is all a task needs.")
		return exitOK, nil
	}
	return exitUntrusted, errors.Join(err, ctx.Err(), fmt.Errorf("the changed artifact was not refused as it must be (exit code %d)", code))
}

type demonstration struct {
	s                        IO
	dir, policy, root, input string
	now                      time.Time
}

func (d demonstration) heading(text string) {
	if d.s.colors(d.s.Stderr) {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	fmt.Fprintln(d.s.Stderr, text)
}

// download runs cot-download as a task would, but for the environment.
func (d demonstration) download(ctx context.Context, dest string) (int, error) {
	fmt.Fprintf(d.s.Stderr, "$ cot-download -d %s %s\n", dest, d.input)
	code := Download(ctx, IO{
		Args:  []string{"--policy", d.policy, "--root-url", d.root, "-d", filepath.Join(d.dir, dest), d.input},
		Env:   d.env,
		Stdin: d.s.Stdin, Stdout: d.s.Stdout, Stderr: d.s.Stderr,
		Now: func() time.Time { return d.now },
	})
	return code, ctx.Err()
}

// env keeps what says how to write, and nothing else.
func (d demonstration) env(name string) (string, bool) {
	if name == "NO_COLOR" || name == "TERM" {
		return d.s.Env(name)
	}
	return "", false
}

// left counts what is in a directory of the demonstration.
func (d demonstration) left(dest string) int {
	entries, err := os.ReadDir(filepath.Join(d.dir, dest))
	if err != nil {
		return 0
	}
	return len(entries)
}
