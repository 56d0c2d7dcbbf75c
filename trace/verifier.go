package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/policy"
	"github.com/mozilla-releng/cot/trace/tree"
)

// Options are what a caller asks of a verification.
type Options struct {
	Scope Scope
	// AcceptUntrustedTree accepts chains that end in a contribution (try, a
	// pull request, a fork); the verdict is then "accepted".
	AcceptUntrustedTree bool
	// AcceptUnsignedPools accepts tasks of pools whose workers have no
	// published key; the verdict is then "accepted".
	AcceptUnsignedPools bool
	// Archive says that the sources are an archive's, not the live services:
	// there clear-signed documents count, under the keys that policy names. Who
	// vouches for the archive is for the caller to say, by Report.FromBundle.
	Archive bool
	// ExpectTree is the tree that the chains must lead to; a zero revision
	// stands for any.
	ExpectTree tree.Tree
	// ExpectProduct is the product that the targets must belong to.
	ExpectProduct string
	// Dependencies says how far tasks are followed. Empty: for what is named,
	// trust; for whole groups, all.
	Dependencies Dependencies
	// TaskType is the type of what is named, where detection is wrong; empty: as
	// detected. What creates tasks stays what it is.
	TaskType Kind
	// At is a time of the past to judge as of; zero: now. What the queue, the
	// index and version control answer is of today all the same.
	At time.Time
	// TakenOnly: of the artifacts of a whole graph those matter that its tasks take.
	// The report then vouches for none by name (Names, Vouched).
	TakenOnly bool
	// Jobs bounds how many things are read together; less than one: 32.
	Jobs int
	// Version is that of the program, whose rules these are. Reports say it, and
	// only a report of the same can be relied on.
	Version string
	// Events receives progress, from several goroutines; may be nil.
	Events func(Event)
}

// Dependencies says which of a task's dependencies are followed.
type Dependencies string

// Dependencies to follow.
const (
	DependenciesTrust Dependencies = "trust" // what it rests on: parents and inputs
	DependenciesAll   Dependencies = "all"   // also every declared dependency
)

// Event is a step of a verification.
type Event struct {
	Kind string // "task", "document", "task-graph", "tree"
	Task graph.TaskID
	Text string
}

// Verifier judges targets by a policy. It may be used for several runs.
type Verifier struct {
	policy  *policy.Policy
	trust   *certs.Trust
	sources Sources
	now     time.Time // that is judged as of
	ran     time.Time
	options Options

	maxChainTasks, maxGraphTasks int
}

// New refuses a configuration with which nothing could be judged. now is the
// one reference time of the run, unless the options name an earlier one.
func New(p *policy.Policy, s Sources, now time.Time, o Options) (*Verifier, error) {
	if p == nil || s.Tasks == nil || s.Artifacts == nil {
		return nil, errors.New("trace: policy, tasks and artifacts are needed")
	}
	switch o.Scope {
	case ScopeTree:
		if s.VCS == nil || s.Index == nil {
			return nil, errors.New("trace: following a chain to its tree needs the index and version control")
		}
	case ScopeSignature:
		if o.ExpectProduct != "" || !o.ExpectTree.Repository.IsZero() {
			return nil, errors.New("signatures alone lead to no tree and no product, so none can be expected")
		}
	default:
		return nil, fmt.Errorf("trace: unknown scope %q", o.Scope)
	}
	if o.TaskType != "" && !slices.Contains(Kinds(), o.TaskType) {
		return nil, fmt.Errorf("trace: unknown type %q of a task", o.TaskType)
	}
	switch o.Dependencies {
	case "", DependenciesTrust:
	case DependenciesAll:
		if o.Scope == ScopeSignature {
			return nil, errors.New("signatures alone are looked at without dependencies")
		}
	default:
		return nil, fmt.Errorf("trace: unknown dependencies %q", o.Dependencies)
	}
	if now.IsZero() {
		return nil, errors.New("trace: a reference time is needed")
	}
	ran := now
	if !o.At.IsZero() {
		if o.At.After(now) {
			return nil, fmt.Errorf("can't judge as of %s: that is in the future", stamp(o.At))
		}
		now = o.At
	}
	if o.ExpectProduct != "" {
		if _, ok := p.Product(o.ExpectProduct); !ok {
			return nil, fmt.Errorf("policy %s has no product %q", p.Name, o.ExpectProduct)
		}
	}
	if o.Jobs < 1 {
		o.Jobs = 32
	}
	trust, err := certs.New(certs.Config{
		Keys: p.Keys, UnkeyedPools: p.UnkeyedPools, QueueTimeTrusted: p.QueueTimeTrusted,
		Certificates: p.Certificates, PGP: p.PGP, Archive: o.Archive, Require: p.Require, Now: now, Sources: s.Revocation,
	})
	if err != nil {
		return nil, err
	}
	return &Verifier{
		policy: p, trust: trust, sources: s, now: now, ran: ran, options: o,
		maxChainTasks: maxChainTasks, maxGraphTasks: maxGraphTasks,
	}, nil
}

// RunTarget names what to verify: a task, or the one that an index path holds,
// and the run where the caller has one in mind.
type RunTarget struct {
	Task      graph.TaskID // not needed with Namespace
	Namespace string       // index path, without the leading "index."
	Run       *graph.RunID
}

// Verify judges the targets and everything they depend on for trust. The error
// is for a cancelled context or a call without targets; whatever is wrong with
// the targets is in the report.
func (v *Verifier) Verify(ctx context.Context, targets []RunTarget) (*Report, error) {
	if len(targets) == 0 {
		return nil, errors.New("nothing to verify")
	}
	c := newChain(v)
	targets, err := c.locate(ctx, targets)
	if err != nil {
		return nil, err
	}
	if err := c.follow(ctx, targets); err != nil {
		return nil, err
	}
	return c.report(targets), nil
}

// follow judges the chains of targets whose index paths are resolved.
func (c *chain) follow(ctx context.Context, targets []RunTarget) error {
	g, gctx := errgroup.WithContext(ctx)
	gather := c.gather
	if c.v.options.Dependencies == DependenciesAll {
		gather = c.gatherAll
	}
	if err := gather(gctx, g, targets); err != nil {
		return errors.Join(g.Wait(), err)
	}
	c.checkRoutes(targets)
	if c.v.options.Scope == ScopeTree {
		c.decideKinds()
		c.overruleKinds()
		c.findOrigins()
		c.searchParents(gctx, g)
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if c.v.options.Scope == ScopeTree {
		return c.judge(ctx)
	}
	for _, l := range c.allLinks() {
		if l.node.task != nil {
			checkWorkerImplementation(c, l) // it decides which keys count
			checkThen(c, l)
		}
		checkEstablished(c, l)
	}
	return nil
}

func (v *Verifier) event(kind string, id graph.TaskID, text string) {
	if v.options.Events != nil {
		v.options.Events(Event{Kind: kind, Task: id, Text: text})
	}
}

// Flags by which a caller accepts what is not trusted; reports name them.
const (
	FlagAcceptUntrustedTree = "--accept-untrusted-tree"
	FlagAcceptUnsignedPools = "--accept-unsigned-pools"
)
