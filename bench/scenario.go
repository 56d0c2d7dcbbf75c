//go:build linux

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// verifyCot runs scriptworker's verifier against a served world.
//
//go:embed verify_cot.py
var verifyCot []byte

// scenario is one piece of work and the programs that do it; the first is ours.
type scenario struct {
	name     string
	commands []command
	check    func(dir string) error
	runs     int // at most; 0: as many as asked for
}

// plan writes what the programs read below dir and gives the scenarios.
func plan(dir string, t tools, world *served) ([]scenario, error) {
	policy := filepath.Join(dir, "policy.yml")
	if err := os.WriteFile(policy, []byte(world.Policy), 0o600); err != nil {
		return nil, err
	}
	var out []scenario
	for i, d := range world.Downloads {
		p := planner{
			inputs: filepath.Join(dir, fmt.Sprint("inputs-", i)), dest: filepath.Join(dir, "dest"),
			policy: policy, tools: t, root: world.RootURL, download: d,
		}
		commands, err := p.commands()
		if err != nil {
			return nil, err
		}
		out = append(out, scenario{name: d.Name, commands: commands, check: d.check})
	}
	script := filepath.Join(dir, "verify_cot.py")
	if err := os.WriteFile(script, verifyCot, 0o600); err != nil {
		return nil, err
	}
	for i, c := range world.Traces {
		policy, peer := filepath.Join(dir, fmt.Sprintf("policy-%d.yml", i)), filepath.Join(dir, fmt.Sprintf("peer-%d.json", i))
		if err := os.WriteFile(policy, []byte(c.At.Policy), 0o600); err != nil {
			return nil, err
		}
		if err := os.WriteFile(peer, c.At.Peer, 0o600); err != nil {
			return nil, err
		}
		out = append(out, scenario{
			name: c.Name, runs: c.Runs,
			commands: []command{
				{
					name: "cot-verify-graph", dir: filepath.Join(dir, "dest"),
					argv: []string{t.graph, "--policy", policy, "--root-url", c.At.RootURL, "--progress", "none", c.Task},
				},
				{
					name: "scriptworker's verify_cot", dir: filepath.Join(dir, "dest"),
					argv: []string{t.scriptworker, script, peer, c.Task},
				},
			},
			check: func(string) error { return nil },
		})
	}
	return out, nil
}

// check counts files and bytes: what a program left is what was asked for.
func (d download) check(dir string) error {
	var files, bytes int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	if err != nil {
		return err
	}
	if n := int64(len(d.Files)); files != n || bytes != n*d.Size {
		return fmt.Errorf("left %d files of %d bytes in all, want %d of %d", files, bytes, n, n*d.Size)
	}
	return nil
}

// planner makes the command lines for one download.
type planner struct {
	inputs, dest, policy, root string
	tools                      tools
	download                   download
}

// shim runs fetch-content with a list that is too long for a variable set from
// outside.
const shim = `import os, runpy, sys
path, script = sys.argv[1:3]
os.environ["MOZ_FETCHES"] = open(path).read()
sys.argv = [script, "task-artifacts"]
runpy.run_path(script, run_name="__main__")
`

func (p planner) commands() ([]command, error) {
	if err := os.MkdirAll(p.inputs, 0o755); err != nil {
		return nil, err
	}
	type fetch struct {
		Task     string `json:"task"`
		Artifact string `json:"artifact"`
		Extract  bool   `json:"extract"`
		Verify   bool   `json:"verify-hash,omitempty"`
	}
	var plain, verified []fetch
	var aria, curl, sums strings.Builder
	for _, f := range p.download.Files {
		plain = append(plain, fetch{Task: p.download.Task, Artifact: f.Artifact})
		verified = append(verified, fetch{Task: p.download.Task, Artifact: f.Artifact, Verify: true})
		fmt.Fprintf(&aria, "%s\n out=%s\n", p.url(f), f.Base)
		fmt.Fprintf(&curl, "url = %q\noutput = %q\n", p.url(f), f.Base)
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.Base)
	}
	plainJSON, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	verifiedJSON, err := json.Marshal(verified)
	if err != nil {
		return nil, err
	}
	for name, content := range map[string]string{
		"fetches.json": string(plainJSON), "fetches-verified.json": string(verifiedJSON), "shim.py": shim,
		"aria2.txt": aria.String(), "curl.txt": curl.String(), "sha256.txt": sums.String(),
	} {
		if err := os.WriteFile(filepath.Join(p.inputs, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}

	t := p.tools
	root := "TASKCLUSTER_ROOT_URL=" + p.root
	fetchContent := func(name, list string) command {
		return command{
			name: name, dir: p.dest, env: []string{root, "MOZ_FETCHES_DIR=" + p.dest},
			argv: []string{t.python, p.input("shim.py"), p.input(list), t.fetchContent},
		}
	}
	out := []command{{
		name: "cot-download", dir: p.dest,
		argv: []string{
			t.download, "--policy", p.policy, "--root-url", p.root, "--progress", "none",
			"--dest", p.dest, "--fetches", p.input("fetches.json"),
		},
	}}
	if len(p.download.Files) == 1 {
		f := p.download.Files[0]
		out = append(out,
			command{name: "curl -o (hashes nothing)", dir: p.dest, argv: []string{t.curl, "-sSfL", "-o", f.Base, p.url(f)}},
			command{
				name: "taskcluster download artifact (hashes nothing)", dir: p.dest, env: []string{root},
				argv: []string{t.tcl, "download", "artifact", p.download.Task, f.Artifact, f.Base},
			},
		)
	}
	return append(out,
		fetchContent("fetch-content (compares with nothing)", "fetches.json"),
		fetchContent("fetch-content, verify-hash (signature unchecked)", "fetches-verified.json"),
		command{
			name: "aria2c -j8 -x8 (hashes nothing)", dir: p.dest,
			argv: []string{t.aria2, "-q", "-j8", "-x8", "-i", p.input("aria2.txt"), "-d", p.dest},
		},
		command{
			name: "curl -Z, eight at once, then sha256sum", dir: p.dest,
			argv: []string{
				t.shell, "-c", `"$1" -sSfLZ --parallel-max 8 -K "$2" && sha256sum --quiet -c "$3"`,
				"sh", t.curl, p.input("curl.txt"), p.input("sha256.txt"),
			},
		},
	), nil
}

func (p planner) input(name string) string { return filepath.Join(p.inputs, name) }

func (p planner) url(f file) string {
	return fmt.Sprintf("%s/api/queue/v1/task/%s/runs/0/artifacts/%s", p.root, p.download.Task, f.Artifact)
}

// measure runs every program once to warm up, then all of them in turn, so that
// whatever else changes on the machine changes for all. Each round begins with
// another one: what the one before left the kernel to do is nobody's alone.
func (s scenario) measure(ctx context.Context, runs int, out io.Writer) error {
	if s.runs > 0 {
		runs = min(runs, s.runs)
	}
	costs := make([][]cost, len(s.commands))
	for i := range runs + 1 {
		for k := range s.commands {
			j := (i + k) % len(s.commands)
			m, err := measure(ctx, s.commands[j], s.check)
			if err != nil {
				return err
			}
			if i > 0 {
				costs[j] = append(costs[j], m)
			}
		}
	}
	fmt.Fprintf(out, "\n| %s | time | cot takes | processor | memory |\n| --- | --: | --: | --: | --: |\n", s.name)
	ours := median(costs[0])
	for j, c := range s.commands {
		m := median(costs[j])
		ratio := "–"
		if j > 0 {
			ratio = fmt.Sprintf("%.2f ×", ours.wall.Seconds()/m.wall.Seconds())
		}
		fmt.Fprintf(out, "| %s | %.2f s | %s | %.2f s | %.0f MiB |\n",
			c.name, m.wall.Seconds(), ratio, m.cpu.Seconds(), float64(m.memory)/(1<<20))
	}
	return nil
}
