package trace

import (
	"context"
	"iter"

	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/trace/policy"
)

// event knows what started a task: which commit that was about, and the
// contexts that the deployment's services render its template with. No value of
// a context is the task's own word unless something else vouches for it, but for
// the few that no service can confirm any more (docs/events.md).
type event interface {
	// locate settles what the claims of the decision task leave open: the commit,
	// and whether policy trusts the branch that it is on.
	locate(ctx context.Context, c *chain, o *origin) []Finding
	// attempts gives what the services could have rendered, cheapest first; they
	// differ only in what the services leave open. A finding ends them: it says
	// why nothing more can be tried.
	attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding]
}

// attempt is one way in which a task may have come about.
type attempt struct {
	// wrap puts the tree's template where the service has it; nil: it is
	// rendered as it stands.
	wrap    func(template map[string]any) any
	context render.Context
	claims  []claim
	// madeBy is the run whose artifacts the context is made from; nil: none's.
	madeBy *link
	// adds is what the service adds to what the template says.
	adds service
	// ownGroup: the action has a permission of its own, and its tasks may be a
	// group of their own.
	ownGroup bool
	// doubts go with the differences if the task is not the attempt's: what it
	// claims of its event and something else contradicts.
	doubts []Finding
	// refused says why event.pusher is left out, if it was claimed.
	refused *Finding
}

// service is the Taskcluster service that created a task.
type service string

// Services. Each adds to a definition only what the template leaves out.
const (
	buildDecision service = "build-decision" // adds nothing
	gitHubService service = "github"         // taskId, taskGroupId, created, schedulerId, and a route
	hooksService  service = "hooks"          // created, deadline, expires, taskGroupId
)

// maxAttempts bounds how many contexts are rendered for one task.
const maxAttempts = 200

// events are those that can be rebuilt, by the version control system of the
// product and extra.tasks_for.
func events(vcs, tasksFor string) (event, bool) {
	switch {
	case tasksFor == tasksForAction || tasksFor == tasksForPRAction && vcs == policy.VCSGitHub:
		return action{tasksFor}, true
	case vcs == policy.VCSMercurial && tasksFor == "hg-push":
		return hgPush{}, true
	case vcs == policy.VCSMercurial && tasksFor == "cron":
		return hgCron{}, true
	case vcs == policy.VCSGitHub && tasksFor == "cron":
		return gitHubCron{}, true
	case vcs == policy.VCSGitHub && tasksFor == "github-push":
		return gitHubPush{}, true
	case vcs == policy.VCSGitHub && (tasksFor == "github-pull-request" || tasksFor == "github-pull-request-untrusted"):
		return pullRequest{tasksFor}, true
	case vcs == policy.VCSGitHub && tasksFor == "github-release":
		return gitHubRelease{}, true
	}
	return nil, false
}

const (
	tasksForAction   = "action"
	tasksForPRAction = "pr-action"
)

func tasksForOf(n *node) string {
	s, _ := n.task.Definition().Extra["tasks_for"].(string)
	return s
}

// baseContext is what every event's context has.
func baseContext(c *chain, n *node, tasksFor string) render.Context {
	return render.Context{
		"tasks_for":            tasksFor,
		"now":                  n.task.Created.UTC().Format(queueTime),
		"ownTaskId":            n.id.String(),
		"taskId":               nil,
		"as_slugid":            render.Slugid(func(string) string { return n.id.String() }),
		"taskcluster_root_url": c.v.policy.RootURL,
	}
}

// one is a sequence of attempts that ends with a finding.
func failed(f Finding) iter.Seq2[attempt, *Finding] {
	return func(yield func(attempt, *Finding) bool) { yield(attempt{}, &f) }
}
