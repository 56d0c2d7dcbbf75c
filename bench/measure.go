//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cost is what one run of a program took.
type cost struct {
	wall   time.Duration
	cpu    time.Duration // user and system, of it and the programs it ran
	memory int64         // the largest resident set among them, in bytes
}

// command is one way to do a scenario's work.
type command struct {
	name string
	env  []string // beside PATH and HOME
	argv []string
	dir  string
}

// settle is how long the machine is left alone before each run.
const settle = 500 * time.Millisecond

// measure runs the command once in an empty directory and checks what it left
// there.
func measure(ctx context.Context, c command, check func(dir string) error) (cost, error) {
	if err := os.RemoveAll(c.dir); err != nil {
		return cost{}, err
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return cost{}, err
	}
	// What earlier runs wrote must not be this one's to wait for, nor the freeing
	// of what they left.
	syscall.Sync()
	time.Sleep(settle)

	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, &out, &out
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LC_ALL=C.UTF-8"}, c.env...)
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.argv, " "), err, tail(out.String()))
	}
	if err := check(c.dir); err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.argv, " "), err, tail(out.String()))
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return cost{}, errors.New("this system does not tell what a process used")
	}
	return cost{
		wall:   wall,
		cpu:    cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		memory: usage.Maxrss << 10,
	}, nil
}

// tail keeps the end of a program's output.
func tail(s string) string {
	const most = 2000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// median takes each figure's median by itself.
func median(costs []cost) cost {
	return cost{
		wall:   middle(costs, func(c cost) time.Duration { return c.wall }),
		cpu:    middle(costs, func(c cost) time.Duration { return c.cpu }),
		memory: middle(costs, func(c cost) int64 { return c.memory }),
	}
}

func middle[T ~int64](costs []cost, of func(cost) T) T {
	var values []T
	for _, c := range costs {
		values = append(values, of(c))
	}
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
