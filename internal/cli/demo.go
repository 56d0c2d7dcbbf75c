package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
)

// demoDownload shows a verified download, then the same with one bit changed in
// storage, refused: from a Taskcluster inside this process, without network.
// The exit code is 0 if both went as they must.
func demoDownload(ctx context.Context, s IO) (int, error) {
	return demo(ctx, s, func(d demonstration) (int, error) {
		input := d.world.Build.ID + ":" + d.world.Artifact.Name
		d.heading("A build's artifact, from a trusted commit:")
		if code, err := d.run(ctx, "cot-download", Download, "-d", "inputs", input); err != nil || code != exitOK {
			return exitUntrusted, err
		}
		d.world.Tamper()
		d.heading("\nThe same, after somebody changed one bit of it in storage:")
		code, err := d.run(ctx, "cot-download", Download, "-d", "tampered", input)
		if err != nil || code != exitUntrusted || d.left("tampered") > 0 {
			return exitUntrusted, errors.Join(err, fmt.Errorf("the changed artifact was not refused as it must be (exit code %d)", code))
		}
		d.heading("\nRefused, with exit code 1, and no file was left. That is all a task needs.")
		return exitOK, nil
	})
}

// demoVerifyGraph shows a chain that holds, and the same after the queue's
// definition of a task was changed.
func demoVerifyGraph(ctx context.Context, s IO) (int, error) {
	return demo(ctx, s, func(d demonstration) (int, error) {
		d.heading("A signing task's chain, back to a trusted commit:")
		if code, err := d.run(ctx, "cot-verify-graph", VerifyGraph, d.world.Signing.ID); err != nil || code != exitOK {
			return exitUntrusted, err
		}
		d.world.Alter()
		d.heading("\nThe same, after somebody changed what the queue says that its build ran:")
		code, err := d.run(ctx, "cot-verify-graph", VerifyGraph, d.world.Signing.ID)
		if err != nil || code != exitUntrusted {
			return exitUntrusted, errors.Join(err, fmt.Errorf("the changed task was not refused as it must be (exit code %d)", code))
		}
		d.heading("\nRefused, with exit code 1: the first line says which task, which rule, and what differs.")
		return exitOK, nil
	})
}

// demo serves the world that show works in.
func demo(ctx context.Context, s IO, show func(demonstration) (int, error)) (code int, err error) {
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
	code, err = show(demonstration{s: s, dir: dir, policy: policy, root: server.RootURL, world: world})
	return code, errors.Join(err, ctx.Err())
}

type demonstration struct {
	s                 IO
	dir, policy, root string
	world             *fixtures.DemoWorld
}

func (d demonstration) heading(text string) {
	if d.s.colors(d.s.Stderr) {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	fmt.Fprintln(d.s.Stderr, text)
}

// run runs a command as a task would, but for the environment: what it shows
// are the arguments, what it adds is where this world is.
func (d demonstration) run(ctx context.Context, name string, command Command, args ...string) (int, error) {
	fmt.Fprintf(d.s.Stderr, "$ %s %s\n", name, strings.Join(args, " "))
	full := []string{"--policy", d.policy, "--root-url", d.root}
	for i, arg := range args {
		if i > 0 && args[i-1] == "-d" {
			arg = filepath.Join(d.dir, arg)
		}
		full = append(full, arg)
	}
	code := command(ctx, IO{
		Args: full, Env: d.env, Stdin: d.s.Stdin, Stdout: d.s.Stderr, Stderr: d.s.Stderr,
		Now: func() time.Time { return d.world.Now },
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
