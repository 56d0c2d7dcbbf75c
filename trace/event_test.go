package trace_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// contributions are the targets of EventsWorld that no policy trusts.
func contribution(t *fixtures.Target) bool {
	return strings.Contains(t.Name, "pull-request") || t.Name == "pr-action" || t.Name == "github-push on level 1"
}

// Every honest chain verifies, whatever event it began with; a contribution is
// refused without the flags, and accepted with them.
func TestEvents(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	for _, target := range world.Targets() {
		t.Run(target.Name, func(t *testing.T) {
			w := w.within(t)
			tasks := []*fixtures.Task{target.Decision, target.Build}
			if target.Action != nil {
				tasks = append(tasks, target.Action)
			}
			if target.Signing != nil {
				tasks = append(tasks, target.Signing)
			}
			for _, task := range tasks {
				if !contribution(target) {
					wantVerdict(t, w.verify(task.ID), trace.Verified)
					continue
				}
				r := w.verify(task.ID)
				wantRefused(t, r, trace.RuleUntrustedContrib)
				w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
				wantVerdict(t, w.verify(task.ID), trace.Accepted)
				w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = false, false
			}
		})
	}
}

// A commit that was stolen is the cause, and comes first: what its decision task
// names is no tree that the tasks below it could differ from.
func TestRefutedTreeComesFirst(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	target := world.Push
	w.Edit(func() {
		target.Decision.Replace(target.Decision.Graph().Origin.Revision, world.ForkPull.HeadSHA)
	})
	r := w.verify(target.Build.ID)
	wantVerdict(t, r, trace.Untrusted)
	if got := report.Refusal(r); !strings.Contains(got, string(trace.RuleRevisionNotInTree)) {
		t.Errorf("the refusal is %s", got)
	}
	var b strings.Builder
	if err := report.Explain(&b, r, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "  made from") || !strings.Contains(s, "claims to be made from") {
		t.Errorf("explained:\n%s", s)
	}
}
