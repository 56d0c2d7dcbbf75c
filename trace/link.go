package trace

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/document"
)

// Kind is what a task is in its graph, decided once.
type Kind string

// Kinds of tasks.
const (
	KindDecision     Kind = "decision"     // its own parent
	KindAction       Kind = "action"       // creates tasks, created by another
	KindDockerImage  Kind = "docker-image" // its output is used as an image, or it says so
	KindScriptworker Kind = "scriptworker" // runs on a scriptworker
	KindTask         Kind = "task"         // all else
)

// Kinds are all kinds of tasks.
func Kinds() []Kind {
	return []Kind{KindDecision, KindAction, KindDockerImage, KindScriptworker, KindTask}
}

// node is a task of the chain as the queue has it.
type node struct {
	id     graph.TaskID
	depth  int // steps from a target
	task   *task
	impl   graph.Implementation
	image  graph.Image // zero where there is none, or none that can be read
	kind   Kind
	looks  Kind // what it looks like, where the caller says that it is another kind
	parent graph.TaskID
	edges  []graph.Edge // inputs

	links  []*link // its runs that are looked at, guarded by chain.mu
	madeBy *link   // what its links' madeBy is, likewise
	loose  *link   // what stands in the report for it where there is no run

	says         *origins // until it is expanded
	expanded     bool     // its edges are known and what they name is loaded
	rebuilt      bool     // the tree asks for exactly this task
	usedAsParent bool
	usedAsImage  bool
	taken        map[string]bool // file names of artifacts that its graph takes of it

	duplicate *Duplicate // it stands beside an entry of its parent's graph

	own         *origin   // of a task that is its own parent
	ownFindings []Finding // what was found in reading it
	decision    *origin   // where the chain of parents ends; nil if it doesn't
	findings    []Finding
}

// creates tells whether the node is one that must be rebuilt from the tree.
func (n *node) creates() bool { return n.kind == KindDecision || n.kind == KindAction }

// link is one run of a task with the document that its worker signed.
type link struct {
	node      *node
	run       graph.Run
	hasRun    bool
	target    bool
	used      bool                      // something rests on it
	listed    bool                      // it has a status and warnings, and changes no verdict
	connected bool                      // its inputs are decided
	listing   map[string]graph.Artifact // nil: it could not be had
	names     int                       // how many artifacts were listed, more than listing may keep
	doc       *document.Document        // nil unless everything about it holds
	claims    []string
	reported  map[fetched][]byte // what the task says it fetched, with a digest
	inputs    []input
	// madeBy is the run of the parent whose task graph has the task.
	madeBy   *link
	findings []Finding

	relied   *covered  // what a report says of the run, which stands for its chain
	reliedBy *reliance // that report

	read    sync.Once // its listing and document were read
	readErr error
}

func (l *link) ref() graph.RunRef { return graph.RunRef{Task: l.node.id, Run: l.run.ID} }

// input is an edge with the runs of the other task that it may have come from.
type input struct {
	edge   graph.Edge
	runs   []*link
	pinned bool
}

// add leaves a finding on the link.
func (l *link) add(f Finding) {
	l.findings = append(l.findings, f.withDefaults())
}

func (n *node) add(f Finding) { n.findings = append(n.findings, f.withDefaults()) }

func (f Finding) withDefaults() Finding {
	if f.Severity == "" {
		f.Severity = SeverityError
	}
	return f
}

// like names the artifacts of the document that a name may have meant: those of
// the same file name, else it says how many others there are.
func (l *link) like(name string) string {
	var same []string
	for _, n := range sortedNames(l) {
		if path.Base(n) == path.Base(name) && len(same) < 3 {
			same = append(same, n)
		}
	}
	if same == nil {
		return fmt.Sprintf("%d other artifacts", l.doc.Names)
	}
	return strings.Join(same, ", ")
}

// digests gives what the document has for an artifact, provided that the
// queue's listing says that the worker hashed it.
func (l *link) digests(name string) ([]Digest, *Finding) {
	if l.doc == nil {
		return nil, &Finding{
			Rule: RuleCotMissing, Message: fmt.Sprintf("no verified chain of trust document vouches for %s of %s", name, l.ref()),
			Hint: "see what else is wrong with that document", derived: true,
		}
	}
	a, listed := l.listing[name]
	if listed && !a.Storage.Hashed() {
		return nil, unhashed(l, name, a.Storage)
	}
	if _, ok := l.doc.Artifacts[name]; !ok {
		return nil, &Finding{
			Rule: RuleArtifactNotInCot, Path: "/artifacts",
			Message: fmt.Sprintf("%s is not in the chain of trust document of %s", name, l.ref()),
			Want:    name, Got: l.like(name),
			Hint: "check the name; or the task declared the artifact but never made it",
		}
	}
	if !listed {
		return nil, &Finding{
			Rule:    RuleArtifactUnavailable,
			Message: fmt.Sprintf("%s is in the chain of trust document of %s, but the queue does not list it for that run", name, l.ref()),
			Want:    "an artifact of storage type s3 or object", Got: "not listed",
			Hint: "rerun the task: the upload failed, or the task itself wrote this entry",
		}
	}
	return hashed(l, name), nil
}

// unhashed is the finding for an artifact whose content no worker hashes,
// whatever a document says of it.
func unhashed(l *link, name string, storage graph.Storage) *Finding {
	f := &Finding{
		Rule:    RuleArtifactUnavailable,
		Message: fmt.Sprintf("%s of %s is stored as %q, which workers don't hash", name, l.ref(), storage),
		Want:    "storage type s3 or object", Got: string(storage),
		Hint: "the content can change after the worker signed; have the task upload it as a file",
	}
	if storage == graph.Error {
		f.Message = fmt.Sprintf("%s of %s was never made: the worker failed to", name, l.ref())
		f.Hint = "look into the log of the task that should have made it"
	}
	return f
}
