// Command parity holds cot-verify-graph to scriptworker's own verification:
// both are asked about the same chains of a virtual deployment, honest and
// attacked, and a table says where they differ and why.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := parity(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

func parity(ctx context.Context) error {
	out := flag.String("o", "", "write the table to this file")
	check := flag.String("check", "", "fail unless this file is the table")
	only := flag.String("only", "", "attacks whose name matches this expression")
	python := flag.String("python", ".tools/scriptworker/bin/python3", "the Python that has scriptworker")
	workers := flag.Int("j", runtime.NumCPU(), "cases at once")
	verbose := flag.Bool("v", false, "say of every case what both said")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if _, err := os.Stat(*python); err != nil {
		return fmt.Errorf("%w\n`bash .ci/deps bench` installs scriptworker", err)
	}
	dir, err := os.MkdirTemp("", "cot-parity-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	list := jobs(wanted.MatchString)
	version, err := run(ctx, *python, dir, *workers, list)
	if err != nil {
		return err
	}
	if *verbose {
		for _, j := range list {
			fmt.Println(j.detail())
		}
	}
	found := problems(list)
	for _, p := range found {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d problems in %d cases", len(found), len(list))
	}
	page := table(version, list)
	switch {
	case *only != "":
		fmt.Print(page)
	case *check != "":
		written, err := os.ReadFile(*check)
		if err != nil {
			return err
		}
		if string(written) != page {
			return fmt.Errorf("%s is not what %d cases give now: write it anew with -o", *check, len(list))
		}
	case *out != "":
		return os.WriteFile(*out, []byte(page), 0o644)
	default:
		fmt.Print(page)
	}
	return nil
}
