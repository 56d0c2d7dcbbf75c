package trace

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// claim is a value of a context that is the word of the task under test, because
// no service can confirm it any more. Its syntax leaves no room for a scope, a
// repository or a command.
type claim struct {
	path  []string // where it stands in the context
	at    string   // JSON Pointer to where the task says so
	value any
	other any // another value of the same syntax
	// aside: the value may reach what people read (/metadata, /extra) and nothing
	// else.
	aside bool
}

func (c claim) name() string { return strings.Join(c.path, ".") }

// claimSyntax is what a claimed value must look like, whole.
type claimSyntax struct {
	re    *regexp.Regexp
	want  string
	other string
	max   int // bytes; 0: as many as the expression takes
	// fits bounds the parts of a value. A count in the expression would be that
	// many states of its automaton. nil: no part is bounded.
	fits func(value string) bool
}

func (s claimSyntax) matches(value string) bool {
	return (s.max == 0 || len(value) <= s.max) && s.re.MatchString(value) && (s.fits == nil || s.fits(value))
}

var (
	claimedCommit = claimSyntax{
		regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`), "a full commit id or zeros", strings.Repeat("1", 40), 0, nil,
	}
	claimedTime = claimSyntax{
		regexp.MustCompile(`^(\d{1,16}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))$`), "an RFC 3339 time or digits", "1", 0, nil,
	}
	// claimedWord also takes the names that GitHub gives to bots.
	claimedWord = claimSyntax{
		regexp.MustCompile(`^([A-Za-z0-9@._+-]+|[A-Za-z0-9._+-]+\[bot\](@[A-Za-z0-9.-]+)?)$`), "1 to 100 of A-Z a-z 0-9 @ . _ + -", "x", 100, shortBot,
	}
	claimedRef = claimSyntax{
		regexp.MustCompile(`^refs/(heads|tags)(/[A-Za-z0-9@_+-][A-Za-z0-9@._+-]*){1,10}$`), "a whole ref", "refs/heads/x", 255, shortSegments,
	}
	claimedTaskID = claimSyntax{
		regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`), "a task id", strings.Repeat("A", 22), 0, nil,
	}
	// claimedClient is what Taskcluster's auth service takes as a clientId.
	claimedClient = claimSyntax{
		regexp.MustCompile(`^[A-Za-z0-9!@/:.+|_-]+$`), "a clientId", "x", 256, nil,
	}
)

// shortBot takes at most 80 bytes before a bot's mark and 80 of a host after it.
func shortBot(value string) bool {
	name, host, bot := strings.Cut(value, "[bot]")
	return !bot || len(name) <= 80 && len(strings.TrimPrefix(host, "@")) <= 80
}

// shortSegments takes at most 100 bytes between two slashes.
func shortSegments(value string) bool {
	for segment := range strings.SplitSeq(value, "/") {
		if len(segment) > 100 {
			return false
		}
	}
	return true
}

// claims collects what a task says of itself.
type claims struct {
	n    *node
	list []claim
}

// env takes a variable of the payload for a place in the context; absent: not
// ok. A value of another syntax is a finding.
func (c *claims) env(variable string, s claimSyntax, path ...string) (string, bool, *Finding) {
	v, ok := c.n.task.Definition().Env(variable)
	if !ok || v == "" {
		return "", false, nil
	}
	return c.take("/payload/env/"+variable, v, s, path...)
}

func (c *claims) take(at, value string, s claimSyntax, path ...string) (string, bool, *Finding) {
	if !s.matches(value) {
		return "", false, &Finding{
			Rule: RuleContextUnvouched, Path: at, Want: s.want, Got: clipText(value),
			Message: fmt.Sprintf("nothing vouches for %s, and the task's own word for it has not the syntax that is needed to take it", strings.Join(path, ".")),
			Hint:    "don't use it: trigger the task again from its event; somebody may have put something into it that the event did not have",
		}
	}
	c.list = append(c.list, claim{path: path, at: at, value: value, other: s.other})
	return value, true, nil
}

// without gives the context with another value in the claim's place.
func (c claim) without(values render.Context) render.Context {
	out := maps.Clone(values)
	m := map[string]any(out)
	for _, key := range c.path[:len(c.path)-1] {
		inner, ok := m[key].(map[string]any)
		if !ok {
			return out
		}
		inner = maps.Clone(inner)
		m[key] = inner
		m = inner
	}
	m[c.path[len(c.path)-1]] = c.other
	return out
}

// claimed says which claims a task rests on.
func claimed(used []claim) Finding {
	got := map[string]any{}
	for _, c := range used {
		got[c.name()] = c.value
	}
	names := slices.Sorted(maps.Keys(got))
	return Finding{
		Rule: RuleTaskClaimed, Severity: SeverityWarning, Path: used[0].at, Got: got,
		Message: fmt.Sprintf("no service can confirm any more what the task says of its event: %s", strings.Join(names, ", ")),
		Hint:    "nothing, if nobody relies on these values; docs/events.md lists what a template can use that a service confirms",
	}
}

// aside tells whether two renderings are the same but for what people read.
func sameButAside(a, b map[string]any) bool {
	strip := func(m map[string]any) map[string]any {
		m = maps.Clone(m)
		delete(m, "metadata")
		delete(m, "extra")
		return m
	}
	return strictjson.Equal(strip(a), strip(b))
}
