package trace_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// documented gives the example below a heading of docs/policy.md, as it would be
// written for the world: each pair of texts is replaced, and must be there.
func documented(t *testing.T, w *served, heading string, pairs ...string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "\n## "+heading+"\n")
	_, after, _ = strings.Cut(after, "```yaml\n")
	text, _, _ := strings.Cut(after, "```")
	text = regexp.MustCompile(`rootUrl: .*`).ReplaceAllString(text, "rootUrl: "+w.server.RootURL)
	key := func(impl, key string) {
		row := regexp.MustCompile(`(workerImplementation: ` + impl + `, .*ed25519: )[^ }]+`)
		text = row.ReplaceAllString(text, "${1}"+key)
	}
	key("generic-worker", fixtures.PublicKey(w.Keys.GenericWorker))
	key("scriptworker", fixtures.PublicKey(w.Keys.Scriptworker))
	// The world has docker-worker, too, with another key.
	key("docker-worker", fixtures.PublicKey(w.Keys.GenericWorker))
	d2g := regexp.MustCompile(`.*workerImplementation: docker-worker.*\n`).FindString(text)
	key("docker-worker", fixtures.PublicKey(w.Keys.DockerWorker))
	text = strings.Replace(text, "  unkeyedPools:", d2g+"  unkeyedPools:", 1)
	return inExample(t, text, pairs...)
}

func inExample(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the example lacks %q:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// The deployment on GitHub verifies what the page promises: pushes and actions,
// with signing, and pull requests with the two flags.
func TestDocumentedPolicyOnGitHub(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	at := w.server.GitHubURL
	text := documented(t, w, "A deployment of your own",
		"acme-", "small-", "/acme/(app|lib)", "/example-com/(small|lib)", "[/acme/app]", "[/example-com/small]",
		"owner: acme", "owner: example-com", "ACME", "SMALL", "project:acme:publish", "project:small:releng:signing:cert:release-signing",
		"github.com: {type: github}", "github.com: {type: github, api: '"+at+"/api', rawFile: '"+at+"/raw/{path}/{revision}/{file}', git: '"+at+"/git/{path}.git'}",
	)
	all := func(target *fixtures.Target) []*fixtures.Task {
		tasks := []*fixtures.Task{target.Decision, target.Image, target.Build}
		for _, more := range []*fixtures.Task{target.Action, target.Signing} {
			if more != nil {
				tasks = append(tasks, more)
			}
		}
		return tasks
	}
	use := func(t *testing.T, pairs ...string) *served {
		w := w.within(t)
		text := inExample(t, text, pairs...)
		w.policy = func(string) string { return text }
		return w
	}
	t.Run("pushes and actions", func(t *testing.T) {
		w := use(t)
		if world.SmallPush.Signing == nil {
			t.Fatal("nothing is signed")
		}
		for _, target := range []*fixtures.Target{world.SmallPush, world.SmallAction} {
			for _, task := range all(target) {
				wantVerdict(t, w.verify(task.ID), trace.Verified)
			}
		}
	})
	t.Run("a pull request", func(t *testing.T) {
		w := use(t)
		wantVerdict(t, w.verify(world.SmallPullRequest.Build.ID), trace.Untrusted)
		w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
		for _, task := range all(world.SmallPullRequest) {
			wantVerdict(t, w.verify(task.ID), trace.Accepted)
		}
	})
	t.Run("a pull request without images of its level", func(t *testing.T) {
		w := use(t, ", small-1/images]", "]")
		w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
		wantRefused(t, w.verify(world.SmallPullRequest.Build.ID), trace.RuleDockerImagePool)
	})
	const hint = "if scriptworkers run in scriptworker-k8s/small-3-signing, add scriptworker-k8s to scriptworkerProvisioners"
	for name, pairs := range map[string][]string{
		"no scriptworkers":                     {"scriptworkerProvisioners: [scriptworker-k8s]\n", "", "    - {workerImplementation: scriptworker, ", "    # {"},
		"scriptworkers of another provisioner": {"[scriptworker-k8s]", "[other-k8s]", "scriptworker-k8s/small-3-*", "other-k8s/small-3-*"},
	} {
		t.Run(name, func(t *testing.T) {
			r := use(t, pairs...).verify(world.SmallPush.Signing.ID)
			wantRefused(t, r, trace.RuleSignerUnauthorized)
			if !slices.ContainsFunc(r.Tasks[0].Findings, func(f trace.Finding) bool { return strings.Contains(f.Hint, hint) }) {
				t.Errorf("no such hint: %+v", r.Tasks[0].Findings)
			}
		})
	}
}

// The twenty lines verify pushes, cron jobs and actions, all but what scriptworkers do.
func TestDocumentedPolicyOnMercurial(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	at := w.server.VCSURL
	text := documented(t, w, "A deployment in twenty lines",
		"app-", "gecko-", "path: /app, level: 3, project: app", "path: /mozilla-central, level: 3, project: mozilla-central",
		"[/app]", "[/mozilla-central]", "hg.example.org", fixtures.Host, "envPrefix: APP", "envPrefix: GECKO",
		"{type: hg}", "{type: hg, pushlog: '"+at+"/{path}/json-pushes?changeset={revision}&version=2&full=1', rawFile: '"+at+"/{path}/raw-file/{revision}/{file}'}",
	)
	verify := func(t *testing.T, text string, task *fixtures.Task) *trace.Report {
		w := w.within(t)
		w.policy = func(string) string { return text }
		return w.verify(task.ID)
	}
	for _, target := range []*fixtures.Target{world.HgPush, world.HgCron, world.HgAction, world.HgCronAction} {
		t.Run(target.Name, func(t *testing.T) {
			wantVerdict(t, verify(t, text, target.Build), trace.Verified)
			wantVerdict(t, verify(t, text, target.Image), trace.Verified)
			if target.Action == nil {
				return
			}
			wantVerdict(t, verify(t, text, target.Action), trace.Verified)
			r := verify(t, inExample(t, text, "[decision, action, docker-image]", "[decision, docker-image]"), target.Action)
			wantRefused(t, r, trace.RulePrebuiltImage)
		})
	}
}
