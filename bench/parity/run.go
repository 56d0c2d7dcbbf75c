package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/policy"
)

// job is one chain, attacked or not, to ask both verifiers about.
type job struct {
	chain   int // counts from 0
	section string
	attack  *attack // nil: the honest chain
	strict  bool    // a contribution, of which nothing is accepted

	theirs its
	mine   ours
	linked bool // where both accept: they agree on tree and links
}

// jobs are all cases, in the order of the table, of those attacks that are wanted.
func jobs(wanted func(name string) bool) []*job {
	var out []*job
	honest := chains()
	for i, c := range honest {
		out = append(out, &job{chain: i})
		if c.contribution() {
			out = append(out, &job{chain: i, strict: true})
		}
	}
	for _, s := range sections() {
		for _, a := range s.attacks {
			if !wanted(a.name) {
				continue
			}
			for i, c := range honest {
				if a.applies(c) {
					out = append(out, &job{chain: i, section: s.title, attack: &a})
				}
			}
		}
	}
	return out
}

// verifiers are what a worker asks.
type verifiers struct {
	incumbent *incumbent
	binaries  string // where ours are
	dir       string // the worker's own
}

// run answers all jobs, so many at once, and gives scriptworker's version.
func run(ctx context.Context, python, dir string, workers int, list []*job) (string, error) {
	if err := buildOurs(ctx, dir); err != nil {
		return "", err
	}
	todo := make(chan *job, len(list))
	for _, j := range list {
		todo <- j
	}
	close(todo)
	versions := make([]string, workers)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			version, err := work(ctx, python, dir, i, todo)
			if err != nil {
				fail(err)
			}
			versions[i] = version
		})
	}
	group.Wait()
	return versions[0], context.Cause(ctx)
}

// work answers jobs until there are no more.
func work(ctx context.Context, python, dir string, worker int, todo <-chan *job) (version string, err error) {
	v := verifiers{binaries: dir, dir: filepath.Join(dir, fmt.Sprint(worker))}
	if err := os.Mkdir(v.dir, 0o700); err != nil {
		return "", err
	}
	if v.incumbent, err = startIncumbent(ctx, python); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, v.incumbent.close()) }()
	for j := range todo {
		if err := v.answer(ctx, j); err != nil {
			return "", fmt.Errorf("%s: %w", j.name(), err)
		}
	}
	return v.incumbent.version, nil
}

// answer asks both about a job's chain in a world of its own.
func (v verifiers) answer(ctx context.Context, j *job) error {
	c := chains()[j.chain]
	if j.attack != nil {
		j.attack.edit(c)
	}
	s, err := c.world.Serve(fixtures.Options{NoLog: true})
	if err != nil {
		return err
	}
	defer s.Close()
	text := c.world.PolicyYAML(s)
	file := filepath.Join(v.dir, "policy.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	trusted, err := policy.Parse("policy.yml", []byte(text), nil)
	if err != nil {
		return err
	}
	accepting := c.contribution() && !j.strict
	var flags []string
	if accepting {
		flags = acceptFlags
	}
	if j.theirs, err = v.incumbent.verify(c, s, trusted, !accepting); err != nil {
		return err
	}
	command, target := "cot-verify-graph", c.target().ID
	if j.attack != nil && j.attack.bytes {
		command, target = "cot-download", c.build.ID+":"+artifact
		flags = append(flags, "--dest", filepath.Join(v.dir, "dest"))
	}
	if j.mine, err = verifyOurs(ctx, filepath.Join(v.binaries, command), file, s.RootURL, target, flags...); err != nil {
		return err
	}
	if j.attack != nil && j.attack.bytes {
		delete(j.theirs.Links, c.target().ID) // cot-download was asked for its input
	}
	j.linked = agree(c, j.theirs, j.mine)
	return nil
}

// agree compares two chains that both were accepted: one tree, and every link
// that scriptworker has is one of ours and has the same parent there.
func agree(c *chain, theirs its, mine ours) bool {
	at := theirs.Tree.Revision
	for _, t := range c.world.App.Tags {
		if t.Name == at {
			at = t.Commit.SHA // which ours goes by from there on
		}
	}
	if theirs.Tree.Repository != mine.Tree.Repository || at != mine.Tree.Revision {
		return false
	}
	for id, parent := range theirs.Links {
		of, known := mine.Tasks[id]
		if !known || of != parent && (of != "" || parent != id) {
			return false
		}
	}
	return true
}

func (j *job) name() string {
	name := chains()[j.chain].event
	switch {
	case j.attack != nil:
		return name + ": " + j.attack.name
	case j.strict:
		return name + ", nothing accepted"
	}
	return name
}

// rule is the one that the table names: of those that should refuse, the first
// that did.
func (j *job) rule() string {
	var list []trace.Rule
	switch {
	case j.attack != nil:
		list = j.attack.rules
	case j.strict:
		list = rules(trace.RuleUntrustedContrib)
	}
	for _, r := range list {
		if slices.Contains(j.mine.Rules, string(r)) {
			return string(r)
		}
	}
	return ""
}

// detail is what both said, for whoever looks into a problem.
func (j *job) detail() string {
	return fmt.Sprintf("%s\n  scriptworker %s %s\n  cot %s\n    %s", j.name(), j.theirs.Outcome, j.theirs.Error, j.mine.Verdict, strings.Join(j.mine.Errors, "\n    "))
}
