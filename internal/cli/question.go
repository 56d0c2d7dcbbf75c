package cli

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/trace"
)

// question is what a caller of cot-verify-graph wants to know of targets beside
// their chains.
type question struct {
	targets  []inputs.Target
	groups   []graph.TaskID // whole task groups, instead of targets
	own      bool           // the running task's group, too
	shard    *trace.Part    // of the groups; nil: all
	file     *trace.File    // nil: none
	sha512   string         // of the file
	distrust []string

	added map[artifactOf]bool
}

// artifactOf names an artifact of the report.
type artifactOf struct {
	run  graph.RunRef
	name string
}

// prepare reads what can be read without a policy.
func (q *question) prepare(ctx context.Context, f *verifyFlags) error {
	for _, s := range f.distrust {
		id, err := certs.ParseID(s)
		if err != nil {
			return usagef("--distrust %w", err)
		}
		if !slices.Contains(q.distrust, id) {
			q.distrust = append(q.distrust, id)
		}
	}
	if f.compare != "" && !slices.Contains(compares, f.compare) {
		return usagef("--artifacts %q: want %s", f.compare, orList(compares))
	}
	if err := checkFollow(f.follow); err != nil {
		return err
	}
	if f.taskType != "" && !slices.Contains(taskTypes(), f.taskType) {
		return usagef("--task-type %q: want %s", f.taskType, orList(taskTypes()))
	}
	for _, s := range f.groups {
		if s == ownGroup {
			q.own = true
			continue
		}
		id, err := graph.ParseTaskID(s)
		if err != nil {
			return usagef("--group %w", err)
		}
		q.addGroup(id)
	}
	if f.file == "" {
		return nil
	}
	var err error
	if q.file, q.sha512, err = hashFile(ctx, f.file); err != nil {
		return usagef("--file: %w", err)
	}
	return nil
}

// hashFile reads a regular file once.
func hashFile(ctx context.Context, name string) (*trace.File, string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, "", err
	}
	if !info.Mode().IsRegular() {
		return nil, "", fmt.Errorf("%s is not a file: want what was downloaded, as it was", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	short, long := sha256.New(), sha512.New()
	n, err := io.Copy(io.MultiWriter(short, long), interruptible{ctx, f})
	if err != nil {
		return nil, "", err
	}
	return &trace.File{
		Path: filepath.ToSlash(name), SHA256: hex.EncodeToString(short.Sum(nil)), Bytes: n,
	}, hex.EncodeToString(long.Sum(nil)), nil
}

// interruptible is a reader that ends with its context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// name reads the targets, which are of one deployment.
func (q *question) name(root string, args []string) error {
	for _, arg := range args {
		t, err := inputs.Reader{RootURL: root}.Target(arg)
		switch {
		case err != nil:
			return usage(err)
		case !t.Group.IsZero():
			q.addGroup(t.Group)
		default:
			q.targets = append(q.targets, t)
		}
	}
	switch {
	case !q.whole():
	case q.targets != nil:
		return usagef("%s is a task, and a group is verified whole: ask one after the other", q.targets[0].Source)
	case q.file != nil:
		return usagef("--file is looked for in one task, not in a group")
	}
	if q.file == nil {
		return nil
	}
	if len(q.targets) != 1 {
		return usagef("--file is looked for in one task: found %d targets", len(q.targets))
	}
	if q.targets[0].Names.IsGlob() {
		return usagef("--file with :ARTIFACT needs the artifact's whole name, or none")
	}
	return nil
}

// whole tells whether whole groups are asked for.
func (q *question) whole() bool { return q.own || q.groups != nil }

// groupIDs are the groups that are asked for.
func (q *question) groupIDs() []string {
	var out []string
	for _, id := range q.groups {
		out = append(out, id.String())
	}
	return out
}

func (q *question) addGroup(id graph.TaskID) {
	if !slices.Contains(q.groups, id) {
		q.groups = append(q.groups, id)
	}
}

// verify asks for the chains.
func (q *question) verify(ctx context.Context, v *trace.Verifier, self graph.TaskID, finished bool) (*trace.Report, error) {
	if q.groups != nil {
		return v.VerifyGraph(ctx, trace.GraphTarget{Groups: q.groups, Self: self, RequireFinished: finished, Shard: q.shard})
	}
	return v.Verify(ctx, q.runs())
}

// compares tells which artifacts are compared: of groups, their inputs, for
// these flow into what is about to ship.
func (q *question) compares(asked string) string {
	switch {
	case asked != "":
		return asked
	case q.whole():
		return compareInputs
	}
	return compareNone
}

func runOf(t inputs.Target) trace.RunTarget {
	return trace.RunTarget{Task: t.Task, Namespace: t.Namespace, Run: t.Run}
}

func (q *question) runs() []trace.RunTarget {
	var out []trace.RunTarget
	for _, t := range q.targets {
		out = append(out, runOf(t))
	}
	return out
}

// answer puts into the report what was asked for.
func (q *question) answer(rep *trace.Report) {
	for _, t := range q.targets {
		switch {
		case q.file != nil:
			rep.AddFile(runOf(t), *q.file, q.sha512, t.Names.String())
		case t.Names.IsGlob():
			q.addMatching(rep, t)
		case t.Names.String() != "":
			q.addNamed(rep, t, t.Names.String())
		}
	}
}

// conclude comes to the verdict on what was found.
func (q *question) conclude(rep *trace.Report) {
	rep.Conclude()
	if q.distrust != nil {
		rep.Distrust(q.distrust)
	}
}

// addNamed records an artifact, once however often it is named.
func (q *question) addNamed(rep *trace.Report, t inputs.Target, name string) {
	run, ok := rep.Run(runOf(t))
	a := artifactOf{run, name}
	if ok && q.added[a] {
		return
	}
	if q.added == nil {
		q.added = map[artifactOf]bool{}
	}
	q.added[a] = true
	rep.AddNamed(runOf(t), name)
}

// addMatching records the artifacts that a glob matches. None is a finding.
func (q *question) addMatching(rep *trace.Report, t inputs.Target) {
	run, _ := rep.Run(runOf(t))
	names := rep.Names(run)
	if names == nil {
		q.addNamed(rep, t, t.Names.String()) // says that there is no document
		return
	}
	found := false
	for _, name := range names {
		if t.Names.Match(name) {
			q.addNamed(rep, t, name)
			found = true
		}
	}
	if !found {
		rep.AddFinding(noMatch(located{Input: inputs.Input{Source: "target " + t.Source, Names: t.Names}, run: run}))
	}
}

// asOf is a process whose time is what is judged as of.
func (t timeFlag) asOf(s IO) IO {
	if !t.IsZero() {
		s.Now = func() time.Time { return t.Time }
	}
	return s
}
