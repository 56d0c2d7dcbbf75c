//go:build linux

// Command bench measures the commands beside the programs that people use for
// the same work, on one machine, against one served world. README.md says how
// to repeat it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
)

func main() {
	if len(os.Args) == 2 {
		side := map[string]func(io.Reader, io.Writer) error{"serve": serve, "serve-graphs": serveGraphs, "serve-reports": serveReports}[os.Args[1]]
		if side != nil {
			serveMain(side)
			return
		}
	}
	if len(os.Args) == 4 {
		side := map[string]func(string, string) error{"certs": certsMain, "limit": limitMain}[os.Args[1]]
		if side != nil {
			if err := side(os.Args[2], os.Args[3]); err != nil {
				fmt.Fprintln(os.Stderr, "bench:", err)
				os.Exit(1)
			}
			return
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	runs := flag.Int("runs", 5, "measured runs of each program")
	only := flag.String("only", "", "scenarios whose name matches this expression")
	parent := flag.String("dir", os.TempDir(), "where files are written")
	flag.Parse()
	part := flag.Arg(0)
	if flag.NArg() > 1 || !slices.Contains([]string{"", "certs", "graphs", "reports"}, part) {
		return fmt.Errorf("want no argument, certs, graphs or reports, found %q", flag.Args())
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if *runs < 1 {
		return errors.New("-runs: want at least 1")
	}
	dir, err := os.MkdirTemp(*parent, "cot-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	var scenarios []scenario
	if part == "" {
		tools, err := findTools(ctx, dir)
		if err != nil {
			return err
		}
		var world served
		stop, err := startServer(ctx, "serve", &world)
		if err != nil {
			return err
		}
		defer stop()
		others, err := plan(dir, tools, &world)
		if err != nil {
			return err
		}
		scenarios = append(scenarios, others...)
	}
	if part == "" || part == "certs" {
		of, err := certScenarios(ctx, dir)
		if err != nil {
			return err
		}
		scenarios = append(scenarios, of...)
	}
	if part == "" || part == "reports" {
		of, stop, err := reportScenarios(ctx, dir)
		if err != nil {
			return err
		}
		defer stop()
		scenarios = append(scenarios, of...)
	}
	if part == "" || part == "graphs" {
		of, stop, err := graphScenarios(ctx, dir, wanted)
		if err != nil {
			return err
		}
		defer stop()
		scenarios = append(scenarios, of...)
	}
	fmt.Println(machine())
	for _, s := range scenarios {
		if !wanted.MatchString(s.name) {
			continue
		}
		if err := s.measure(ctx, *runs, os.Stdout); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// startServer runs this program again as a server, so that its memory and
// processor time are not counted with the clients'.
func startServer(ctx context.Context, what string, says any) (func(), error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, what)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		in.Close()
		_ = cmd.Wait() // it ends by its input's end; a kill by ctx is no news
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(says); err != nil {
		stop()
		return nil, fmt.Errorf("the serving process said nothing: %w", err)
	}
	return stop, nil
}

// tools are the programs compared, each by its path.
type tools struct {
	download, graph           string // ours, built from this checkout
	curl, aria2, shell        string
	python, fetchContent, tcl string
	scriptworker              string // the Python that has it
}

func findTools(ctx context.Context, dir string) (t tools, err error) {
	if err := buildCommands(ctx, dir); err != nil {
		return t, err
	}
	t.download, t.graph = dir+"/bin/cot-download", dir+"/bin/cot-verify-graph"
	for name, at := range map[string]*string{"curl": &t.curl, "aria2c": &t.aria2, "sh": &t.shell} {
		path, lookErr := exec.LookPath(name)
		err = errors.Join(err, lookErr)
		*at = path
	}
	venv := os.Getenv("COT_TASKGRAPH_VENV")
	if venv == "" {
		venv = ".tools/venv"
	}
	for pattern, at := range map[string]*string{
		venv + "/bin/python3": &t.python,
		venv + "/lib/python3*/site-packages/taskgraph/run-task/fetch-content": &t.fetchContent,
		".tools/bin/taskcluster":          &t.tcl,
		".tools/scriptworker/bin/python3": &t.scriptworker,
	} {
		found, _ := filepath.Glob(pattern)
		if len(found) != 1 {
			err = errors.Join(err, fmt.Errorf("no %s", pattern))
			continue
		}
		path, absErr := filepath.Abs(found[0])
		err = errors.Join(err, absErr)
		*at = path
	}
	if err != nil {
		return t, fmt.Errorf("%w\n`make bench` installs what is missing", err)
	}
	return t, nil
}

// buildCommands builds ours from this checkout, below dir.
func buildCommands(ctx context.Context, dir string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir+"/bin/", "./cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the commands (run from the repository's root): %w", err)
	}
	return nil
}
