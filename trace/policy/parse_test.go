package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/graph"
)

func TestParseReadsEveryKey(t *testing.T) {
	p := mustParse(t, sample(t))
	strs := func(ps []graph.PoolPattern) (out []string) {
		for _, p := range ps {
			out = append(out, p.String())
		}
		return out
	}
	app, _ := p.Product("app")
	tools, _ := p.Product("tools")
	got := map[string]any{
		"name": p.Name, "rootUrl": p.RootURL, "queueTime": p.QueueTimeTrusted, "relaxed": p.Relaxed,
		"unkeyed": strs(p.UnkeyedPools), "provisioners": p.ScriptworkerProvisioners,
		"windows": strs(p.Implementations[graph.GenericWorker]), "hosts": p.VCSHosts,
		"projects": string(p.Projects.Data), "limits": p.Limits,
		"key":   []string{string(p.Keys[0].Implementation), p.Keys[0].NotBefore.Format(time.RFC3339), p.Keys[0].NotAfter.Format(time.RFC3339)},
		"pools": strs(p.Keys[0].Pools), "open": p.Keys[1].NotBefore.IsZero() && p.Keys[1].NotAfter.IsZero(),
		"app": []any{
			app.VCS, app.EnvPrefix, app.Owner, app.TasksFor, strs(app.DecisionPools), strs(app.DockerImagePools),
			app.PrebuiltImages.String(), app.IndexedImages.String(), app.Trees, app.RestrictedScopes, app.InputsFrom, app.RequirePinned, app.UnsignedTasks,
		},
		"repository": []any{app.Repositories[0].Host, app.Repositories[0].Path, app.Repositories[0].Level, app.Repositories[0].Project, app.Repositories[0].Branches},
		"tools":      []any{tools.VCS, tools.Owner, tools.PrebuiltImages.String(), tools.IndexedImages.String(), tools.RequirePinned, tools.UnsignedTasks},
	}
	want := map[string]any{
		"name": "example", "rootUrl": "https://tc.example.org", "queueTime": false,
		"relaxed": []string{"limits.maxChainLength: 30, raised from 20", "limits.maxTaskGraphBytes: 2147483648, raised from 1073741824"},
		"unkeyed": []string{"app-1/*"}, "provisioners": []string{"script-k8s"}, "windows": []string{"app-3/b-win*"},
		"hosts": map[string]VCSHost{
			"hg.example.org": {Type: "hg", Pushlog: "{repo}/json-pushes?changeset={revision}", RawFile: "https://hg-edge.example.org/{path}/raw-file/{revision}/{file}"},
			"github.com":     {Type: "github"},
		},
		"projects": projectList, "limits": Limits{30, 1 << 20, 2 << 30},
		"key":   []string{"generic-worker", "2023-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		"pools": []string{"app-3/*", "app-3-mac/*"}, "open": true,
		"app": []any{
			"hg", "APP", "",
			[]string{"hg-push", "cron", "action"},
			[]string{"app-1/decision", "app-3/decision"},
			[]string{"app-3/images"},
			"decision, docker-image", "any",
			map[string][]string{"release": {"/app-beta1", "/app-beta2"}, "all": {"/app-central", "/app-beta1", "/elsewhere"}},
			[]RestrictedScope{{"project:app:ship", "release"}, {"project:app:sign:*", "all"}},
			[]string{"tools"},
			true, "refuse",
		},
		"repository": []any{"hg.example.org", `/app-(central|beta\d+)`, "3", "app-central", []string{"default"}},
		"tools":      []any{"github", "example", "never", "never", false, "allow"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGitHubHost(t *testing.T) {
	text := edit(t, sample(t), "{type: github}", `{type: github, api: "https://github.example.org/api/v3/", git: "https://git.example.org{path}.git", rawFile: "{repo}/raw/{revision}/{file}"}`)
	want := VCSHost{
		Type: "github", API: "https://github.example.org/api/v3",
		Git: "https://git.example.org/{path}.git", RawFile: "{repo}/raw/{revision}/{file}",
	}
	if got := mustParse(t, text).VCSHosts["github.com"]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseReadsJSON(t *testing.T) {
	yaml := `
apiVersion: cot/v1
name: j
rootUrl: https://tc.example.org
signers: {unkeyedPools: ["a/b"]}
vcsHosts: {github.com: {type: github}}
products:
  x: {vcs: github, owner: o, envPrefix: X, tasksFor: [cron], repositories: [{host: github.com, path: /o/x, level: 1}], decisionPools: ["a/b"]}
`
	json := "{\n\t\"apiVersion\": \"cot/v1\", \"name\": \"j\",\r\n\t\"rootUrl\": \"https:\\/\\/tc.example.org\"," +
		`"signers": {"unkeyedPools": ["a/b"]}, "vcsHosts": {"github.com": {"type": "github"}}, "products": {"x": {"vcs": "github", "owner": "o",
		"envPrefix": "X", "tasksFor": ["cron"], "repositories": [{"host": "github.com", "path": "/o/x", "level": 1}], "decisionPools": ["a\u002fb"]}}}`
	a, b := mustParse(t, yaml), mustParse(t, json)
	a.SHA256, b.SHA256 = "", ""
	if !reflect.DeepEqual(a, b) {
		t.Errorf("YAML %+v, JSON %+v", a, b)
	}
	if list := parseErrors(t, strings.Replace(json, `"name": "j"`, `"name": "j", "n\u0061me": "j"`, 1)); len(list) != 1 || list[0].Got != "duplicate key" {
		t.Errorf("an escaped duplicate: %v", list)
	}
}

func TestDigestCoversEverySource(t *testing.T) {
	text := sample(t)
	was := mustParse(t, text).SHA256
	if was != mustParse(t, text).SHA256 || len(was) != 64 {
		t.Fatalf("%q is not stable", was)
	}
	elsewhere, err := Parse("/another/place.yaml", []byte(text), sampleFiles)
	if err != nil || elsewhere.SHA256 != was {
		t.Errorf("the place of the file changes the digest: %v", err)
	}
	if mustParse(t, text+"# comment\n").SHA256 == was {
		t.Error("the file's bytes don't change the digest")
	}
	list, err := Parse("p.yaml", []byte(text), files{"projects.yml": projectList + "# comment\n"})
	if err != nil || list.SHA256 == was {
		t.Errorf("the project list's bytes don't change the digest: %v", err)
	}
}
