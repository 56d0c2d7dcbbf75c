package render_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/internal/render"
)

const now = "2026-01-01T00:00:00.000Z"

// Scalars are what js-yaml (YAML 1.2) reads.
func TestYAML(t *testing.T) {
	for text, want := range map[string]any{
		"on": "on", "yes": "yes", "no": "no", "~": nil, "null": nil, "true": true, "FALSE": false,
		"12": 12.0, "-3": -3.0, "1.5": 1.5, "1e3": 1000.0, "0x10": 16.0, "0o17": 15.0, "'12'": "12", "1.2.3": "1.2.3",
		"[a, 1]": []any{"a", 1.0}, "{on: 1, 1: x}": map[string]any{"on": 1.0, "1": "x"},
		"a: &x {b: 1}\nc: *x": map[string]any{"a": map[string]any{"b": 1.0}, "c": map[string]any{"b": 1.0}},
		"a: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}": map[string]any{
			"a": map[string]any{"b": 1.0, "d": 2.0}, "c": map[string]any{"b": 3.0, "d": 2.0},
		},
		"a: >\n  folded\n  text\n": map[string]any{"a": "folded text\n"},
	} {
		got, err := render.YAML([]byte(text))
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %#v, %v", text, got, err)
		}
	}
}

// What YAML versions read differently, or what has no bound, is refused.
func TestYAMLRefused(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'h'; c++ {
		p := string(c - 1)
		bomb += fmt.Sprintf("%c: &%c [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]\n", c, c, p, p, p, p, p, p, p, p, p, p)
	}
	for name, text := range map[string]string{
		"octal-looking": "017", "a date": "2026-01-01", "a time": "2026-01-01T00:00:00Z", "binary": "!!binary aGk=", "infinity": ".inf",
		"a custom tag": "!x y", "a repeated key": "{a: 1, a: 2}", "two documents": "a\n---\nb", "nothing": "", "not YAML": "{", "a list as key": "{[a]: 1}",
		"an alias bomb": bomb, "too deep": strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "a cycle": "a: &a [*a]",
	} {
		if v, err := render.YAML([]byte(text)); err == nil {
			t.Errorf("%s: read as %#v", name, v)
		}
	}
}

func TestRender(t *testing.T) {
	template, err := render.YAML([]byte("{id: {$eval: 'as_slugid(\"decision\")'}, at: {$fromNow: '1 day'}, n: '${1 + 1}'}"))
	if err != nil {
		t.Fatal(err)
	}
	values := render.Context{"now": now, "as_slugid": render.Slugid(func(string) string { return "ID" })}
	got, err := render.Render(t.Context(), template, values)
	if want := map[string]any{"id": "ID", "at": "2026-01-02T00:00:00.000Z", "n": "2"}; err != nil || !cmp.Equal(got, any(want)) {
		t.Errorf("%#v, %v", got, err)
	}
	delete(values, "now")
	if _, err := render.Render(t.Context(), template, values); err == nil {
		t.Error("rendered without now: JSON-e reads the clock then")
	}
}

// What the context lacks is an error of its own, wherever it is used.
func TestUndefined(t *testing.T) {
	values := render.Context{"now": now, "event": map[string]any{"repository": map[string]any{"name": "x"}, "nil": nil}}
	for expression, name := range map[string]string{
		"evnt": "evnt", "event.head_commit": "event.head_commit", "event.repository.url + 'x'": "event.repository.url", "!(event.repository.b.c)": "event.repository.b",
		"f(1)": "f", "[event, event][0].x": "x", "event['repository'].y": "y", "len(parameters)": "parameters", "event.a in ['b']": "event.a",
		"event.repository.name": "", "event['none']": "", "defined('evnt')": "", "event.nil": "", "true || evnt": "",
		// Errors, but of another kind.
		"event.repository.name.x": "-", "event.nil.x": "-", "1 + 'a'": "-", "'undefined variable x at 0 -> '()": "-", "event.repository.name()": "-", "fromNow()": "-", "cot__at": "-", "1 +": "-",
	} {
		for form, template := range map[string]any{
			"$eval": map[string]any{"$eval": expression}, "text": map[string]any{"x": "a ${str(typeof(" + expression + "))}"}, "$if": []any{map[string]any{"$if": expression, "then": 1.0}},
			"$match": map[string]any{"$match": map[string]any{expression: 1.0}}, "$sort": map[string]any{"$sort": []any{1.0, 2.0}, "by(x)": "str(typeof(" + expression + "))"},
		} {
			_, err := render.Render(t.Context(), template, values)
			got := ""
			if undefined := (*render.UndefinedError)(nil); errors.As(err, &undefined) {
				got = undefined.Name
			} else if err != nil {
				got = "-"
			}
			if got != name {
				t.Errorf("%s in %s: undefined %q, want %q: %v", expression, form, got, name, err)
			}
			if err != nil && (strings.Contains(err.Error(), "cot__") && expression != "cot__at" || len(err.Error()) > 600) {
				t.Errorf("%s in %s: not for a reader: %v", expression, form, err)
			}
		}
	}
}

// Constructs of the templates that Firefox's repositories have.
func TestRealConstructs(t *testing.T) {
	template, err := render.YAML([]byte(`
# rendered by a hook or by the GitHub service
---
version: 1
reporting: checks-v1
tasks:
  - $let:
      trust: 'gecko'
      owner: {$if: '"@" in push.owner', then: '${push.owner}', else: '${push.owner}@noreply.example.org'}
      url: {$if: 'repository.url[-1] == "/"', then: {$eval: 'repository.url[:-1]'}, else: {$eval: 'repository.url'}}
      branch:
        $switch:
          'tasks_for[:19] == "github-pull-request"': ${event.pull_request.head.ref}
          'tasks_for in ["hg-push", "cron"]': 'refs/heads/${push.branch}'
      isPullRequest: {$eval: 'tasks_for[:19] == "github-pull-request"'}
      env_name: {$eval: 'uppercase(join(split(repository.project, "-"), "_"))'}
    in:
      $if: >
        tasks_for in ["action", "cron"]
        || (isPullRequest && event.action in ["opened"])
        || (tasks_for == "hg-push" && branch[:11] == "refs/heads/")
      then:
        $mergeDeep:
          - taskId: {$if: '!isPullRequest && tasks_for != "action"', then: '${as_slugid("decision")}'}
            created: {$fromNow: ''}
            expires: {$fromNow: '1 year 1 second'}
          - taskGroupId: '${as_slugid("decision")}'
            routes:
              $flattenDeep:
                - checks
                - $if: 'repository.level == "3"'
                  then:
                    - index.${trust}.v2.${repository.project}.${branch[11:]}
                    - {$if: 'repository.project == "try"', then: "notify.email.${owner}"}
                  else: []
            payload:
              env:
                $merge:
                  - ${env_name}_HEAD: '${push.revision}'
                    on: 'yes'
                    REPOSITORIES: {$json: {ci: "CI"}}
                  - $if: 'tasks_for == "action"'
                    then: {ACTION_INPUT: {$json: {$eval: 'input'}}}
              command:
                - >
                  cd x &&
                  echo $HOME $${HOME}
                  --date='${push.pushdate}' ${cron.quoted_args}
              cache:
                level-${repository.level}-checkouts: /builds
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := render.Render(t.Context(), template, render.Context{
		"now": now, "tasks_for": "hg-push", "as_slugid": render.Slugid(func(string) string { return "ID" }), "cron": map[string]any{"quoted_args": "--a 'b'"},
		"push":       map[string]any{"owner": "me", "branch": "main", "revision": "abc", "pushdate": 1.7e9},
		"repository": map[string]any{"url": "https://hg.example.org/a/", "project": "my-repo", "level": "3"},
	})
	want := map[string]any{"version": 1.0, "reporting": "checks-v1", "tasks": []any{map[string]any{
		"taskId": "ID", "taskGroupId": "ID", "created": now, "expires": "2027-01-01T00:00:01.000Z", "routes": []any{"checks", "index.gecko.v2.my-repo.main"},
		"payload": map[string]any{
			"env":     map[string]any{"MY_REPO_HEAD": "abc", "on": "yes", "REPOSITORIES": `{"ci":"CI"}`},
			"command": []any{"cd x && echo $HOME ${HOME} --date='1700000000' --a 'b'\n"},
			"cache":   map[string]any{"level-3-checkouts": "/builds"},
		},
	}}}
	if diff := cmp.Diff(any(want), got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
