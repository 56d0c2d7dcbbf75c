package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var notedAt = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

const keyA, keyB = "Kz/aZIVeR6NP8gQU1U+2CCIZqvbd+4QCP6J63lflwik=", "KO3FX9JnNga/XViTRBiUMHYnji9Fu3s332sU2lXjSwE="

// plain is a policy that nothing can be said of.
const plain = `apiVersion: cot/v1
name: plain
rootUrl: https://tc.example.org
signers:
  keys:
    - {workerImplementation: generic-worker, workerPools: [app-3/*], ed25519: ` + keyA + `}
    - {workerImplementation: generic-worker, workerPools: [old-3/*], ed25519: ` + keyB + `, notAfter: 2026-12-01T00:00:00Z}
  unkeyedPools: [app-1/*]
vcsHosts: {hg.example.org: {type: hg}, github.com: {type: github}}
products:
  app:
    vcs: hg
    envPrefix: APP
    tasksFor: [hg-push]
    repositories: [{host: hg.example.org, path: '/app(-beta)?', level: 3}]
    decisionPools: [app-1/decision, app-3/decision]
    dockerImagePools: [app-3/images]
    trees: {release: [/app], both: [/app, /app-beta]}
    restrictedScopes: {"project:app:ship": release}
  web:
    vcs: github
    owner: example
    envPrefix: WEB
    tasksFor: [github-push]
    repositories: [{host: github.com, path: /example/web, level: 3, branches: [main]}]
    decisionPools: [app-3/decision]
`

// Each note has its twin: plain, which the edit changes in one thing.
func TestNotes(t *testing.T) {
	signers := func(more string) func(string) string {
		return func(s string) string { return strings.Replace(s, "signers:\n", "signers:\n"+more, 1) }
	}
	swap := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	both := func(a, b func(string) string) func(string) string { return func(s string) string { return b(a(s)) } }
	pulls := func(decisions, images string) func(string) string {
		return both(swap("[github-push]", "[github-push, github-pull-request]"),
			swap("decisionPools: [app-3/decision]\n", "decisionPools: "+decisions+"\n    dockerImagePools: "+images+"\n"))
	}
	limited := "  certificates: {roots: [{file: roots.pem, workerPools: [ca-3/*]}], crls: [gecko.crl]%s}\n"
	for name, tt := range map[string]struct {
		edit func(string) string
		want []string
	}{
		"nothing to say": {swap("", ""), nil},
		"a window that is over": {swap("2026-12-01", "2026-10-31"), []string{
			"signers.keys[1]: its window ended at 2026-10-31T00:00:00Z: nothing verifies by it any more",
		}},
		"a window that is over, for audits": {both(swap("2026-12-01", "2026-10-31"), signers("  queueTime: trusted\n")), nil},
		"a window that has not begun": {swap("notAfter: 2026-12-01", "notBefore: 2026-11-02"), []string{
			"signers.keys[1]: its window begins at 2026-11-02T00:00:00Z: nothing verifies by it before",
		}},
		"a window that has begun": {swap("notAfter: 2026-12-01", "notBefore: 2026-10-31"), nil},
		"an unkeyed pool with a key": {swap("[app-1/*]", "[app-1/*, app-3/test]"), []string{
			"signers.unkeyedPools[1]: app-3/test has a key or a root of its own, so it is never unkeyed",
		}},
		"an unkeyed pool of which a part has a key": {swap("[app-1/*]", "[app-1/*, app-*/test]"), nil},
		"an unkeyed pool with a root": {both(swap("[app-1/*]", "[app-1/*, ca-3/test]"), signers(fmt.Sprintf(limited, ""))), []string{
			"signers.unkeyedPools[1]: ca-3/test has a key or a root of its own, so it is never unkeyed",
		}},
		"a key where certificates are demanded": {signers("  certificates: {roots: [{file: roots.pem, workerPools: [old-3/*]}], crls: [gecko.crl]}\n"), []string{
			"signers.keys[1].workerPools: a root covers old-3/*, where a certificate is demanded and this key counts for nothing unless signers.require says so",
		}},
		"a key where both count": {signers("  require: [{workerPools: [old-3/*], methods: [key, cms]}]\n" +
			"  certificates: {roots: [{file: roots.pem, workerPools: [old-3/*]}], crls: [gecko.crl]}\n"), nil},
		"an identity of the worker without a root": {signers(fmt.Sprintf(limited, ", workerIdentityRequired: [gone-3/*]")), []string{
			"signers.certificates.workerIdentityRequired[0]: no root vouches for gone-3/*",
		}},
		"an identity of the worker": {signers(fmt.Sprintf(limited, ", workerIdentityRequired: [ca-3/*]")), nil},
		"an identity without a root": {signers(fmt.Sprintf(limited, ", identities: [{spiffeId: 'spiffe://tc.example.org/a', workerPools: [gone-3/*]}]")), []string{
			"signers.certificates.identities[0].workerPools: no root vouches for gone-3/*",
		}},
		"an identity with a root": {signers(fmt.Sprintf(limited, ", identities: [{spiffeId: 'spiffe://tc.example.org/a', workerPools: [ca-3/*]}]")), nil},
		"a requirement without a key": {signers("  require: [{workerPools: [gone-3/*], methods: [key]}]\n"), []string{
			"signers.require[0].workerPools: nothing vouches for gone-3/* by key, so no task of it verifies",
		}},
		"a requirement with a key": {signers("  require: [{workerPools: [app-3/*], methods: [key]}]\n"), nil},
		"a requirement without a root": {signers(fmt.Sprintf(limited, "") + "  require: [{workerPools: [app-3/*], methods: [certificate, cms]}]\n"), []string{
			"signers.require[0].workerPools: nothing vouches for app-3/* by certificate or cms, so no task of it verifies",
		}},
		"a requirement with a root": {signers(fmt.Sprintf(limited, "") + "  require: [{workerPools: [ca-3/*], methods: [certificate, cms]}]\n"), nil},
		"a requirement after one for more": {signers("  require: [{workerPools: [app-*/*], methods: [key]}, {workerPools: [app-3/*], methods: [key]}]\n"), []string{
			"signers.require[1].workerPools: an entry before decides for app-3/* already",
		}},
		"a requirement before one for more": {signers("  require: [{workerPools: [app-3/*], methods: [key]}, {workerPools: [app-*/*], methods: [key]}]\n"), nil},
		"an implementation without a key": {swap("vcsHosts", "implementations: {docker-worker: [app-3/docker]}\nvcsHosts"), []string{
			"implementations.docker-worker: no key of docker-worker and no root vouches for app-3/docker",
		}},
		"an implementation with a key":       {swap("vcsHosts", "implementations: {generic-worker: [app-3/win]}\nvcsHosts"), nil},
		"an implementation in unkeyed pools": {swap("vcsHosts", "implementations: {docker-worker: [app-1/docker]}\nvcsHosts"), nil},
		"a host that no product has":         {swap("vcsHosts: {", "vcsHosts: {hg.example.net: {type: hg}, "), []string{"vcsHosts.hg.example.net: no product has a repository there"}},
		"a decision pool that nobody signs":  {swap("[app-3/decision]\n", "[app-3/decision, gone-3/decision]\n"), []string{"products.web.decisionPools: no key and no root vouches for gone-3/decision, and it is not in unkeyedPools: no task of it verifies"}},
		"an image pool that nobody signs":    {swap("[app-3/images]", "[gone-3/images]"), []string{"products.app.dockerImagePools: no key and no root vouches for gone-3/images, and it is not in unkeyedPools: no task of it verifies"}},
		"an image pool with a root":          {both(swap("[app-3/images]", "[ca-3/images]"), signers(fmt.Sprintf(limited, ""))), nil},
		"an image pool in unkeyed pools":     {swap("[app-3/images]", "[app-1/images]"), nil},
		"a GitHub repository without branches": {swap(", branches: [main]", ""), []string{
			"products.web.repositories[0]: no branches, and no project list that has them: each branch of /example/web is a contribution",
		}},
		"a GitHub repository without branches beside a project list": {both(swap(", branches: [main]", ""), swap("products:", "projects: projects.yml\nproducts:")), nil},
		"a repository twice": {swap("repositories: [{host: hg", "repositories: [{host: hg.example.org, path: '/app(-beta)?', level: 1}, {host: hg"), []string{
			"products.app.repositories[1]: an entry before has /app(-beta)? already",
		}},
		"an owner of no repository": {swap("owner: example", "owner: exampel"), []string{
			"products.web.owner: exampel is not the owner of any repository of the product, so everything is a contribution",
		}},
		"an owner of one repository": {swap("repositories: [{host: github.com", "repositories: [{host: github.com, path: '/other/(a|b)', level: 3, branches: [main]}, {host: github.com"), []string{
			"products.web.repositories[0]: /other/(a|b) is not of the owner example, so each is a contribution",
		}},
		"an owner among others":     {swap("path: /example/web", "path: '/(other|example)/web'"), nil},
		"an owner that anything is": {swap("path: /example/web", "path: '/[^/]+/web'"), nil},
		"an owner on Mercurial":     {swap("vcs: hg", "vcs: hg\n    owner: nobody"), nil},
		"actions without an image": {swap("tasksFor: [hg-push]", "tasksFor: [hg-push, cron, action]\n    prebuiltImages: [decision, docker-image]"), []string{
			"products.app.prebuiltImages: without action, the tasks that tasksFor has for action may not run in a docker image",
		}},
		"actions with an image":              {swap("tasksFor: [hg-push]", "tasksFor: [hg-push, cron, action]\n    prebuiltImages: [decision, action]"), nil},
		"actions with an indexed image":      {swap("tasksFor: [hg-push]", "tasksFor: [hg-push, cron, action]\n    indexedImages: [action]\n    prebuiltImages: [decision]"), nil},
		"actions with any image":             {swap("tasksFor: [hg-push]", "tasksFor: [hg-push, cron, action]\n    prebuiltImages: any"), nil},
		"actions where no image is prebuilt": {swap("tasksFor: [hg-push]", "tasksFor: [hg-push, cron, action]"), nil},
		"no actions, and no image for them":  {swap("tasksFor: [hg-push]", "tasksFor: [hg-push, cron]\n    prebuiltImages: [decision, docker-image]"), nil},
		"decision tasks without an image": {swap("tasksFor: [hg-push]", "tasksFor: [hg-push, cron]\n    prebuiltImages: [docker-image]"), []string{
			"products.app.prebuiltImages: without decision, the tasks that tasksFor has for hg-push, cron may not run in a docker image",
		}},
		"pull requests without an image pool": {pulls("[app-1/decision, app-3/decision]", "[app-3/images]"), []string{
			"products.web.dockerImagePools: none is in app-1/* or in unkeyedPools, but app-1/decision is: a pull request that builds a docker image is refused",
		}},
		"pull requests with an image pool":           {pulls("[app-1/decision, app-3/decision]", "[app-1/images, app-3/images]"), nil},
		"pull requests that build no images":         {pulls("[app-1/decision, app-3/decision]", "[]"), nil},
		"pull requests in pools that have a key":     {pulls("[app-3/decision]", "[app-3/images]"), nil},
		"pull requests with an image pool elsewhere": {both(pulls("[app-1/decision, app-3/decision]", "[img-1/x, app-3/images]"), swap("[app-1/*]", "[app-1/*, img-1/*]")), nil},
		"pushes without an image pool":               {both(pulls("[app-1/decision, app-3/decision]", "[app-3/images]"), swap(", github-pull-request", "")), nil},
		"a tree's path that no repository has": {swap("both: [/app,", "both: [/app, /apple, /app-beta/x,"), []string{
			"products.app.trees: no repository of the product matches /app-beta/x (in both)",
			"products.app.trees: no repository of the product matches /apple (in both)",
		}},
		"a scope that no repository may have": {swap("release: [/app]", "release: [/apple]"), []string{
			"products.app.trees: no repository of the product matches /apple (in release)",
			"products.app.restrictedScopes: no repository of the product is in release, so no task may have project:app:ship",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			text := tt.edit(plain)
			if text == plain && name != "nothing to say" {
				t.Fatal("the edit changes nothing")
			}
			if diff := cmp.Diff(tt.want, mustParse(t, text).Notes(notedAt)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNotesOfAnExpiredRoot(t *testing.T) {
	p := mustParse(t, plain+"\n")
	c, err := readCertificates(t, "roots: [roots.pem]\ncrls: [gecko.crl]\n")
	if err != nil {
		t.Fatal(err)
	}
	p.Certificates, p.Keys = c, nil
	end := c.Roots[0].Certificate.NotAfter
	if got := p.Notes(end); len(got) != 0 {
		t.Errorf("at its end: %q", got)
	}
	got := p.Notes(end.Add(time.Second))
	if len(got) != 1 || !strings.HasPrefix(got[0], "signers.certificates.roots[0]: ") || !strings.Contains(got[0], "expired at") {
		t.Errorf("after its end: %q", got)
	}
	p.QueueTimeTrusted = true
	if got := p.Notes(end.Add(time.Second)); len(got) != 0 {
		t.Errorf("for audits: %q", got)
	}
}

// The published facts have three paths that no published repository has.
func TestNotesOfTheBuiltin(t *testing.T) {
	p, _ := Builtin("https://firefox-ci-tc.services.mozilla.com")
	want := []string{
		"products.firefox.trees: no repository of the product matches /projects/birch (in all-release-branches, all-release-branches-and-autoland)",
		"products.firefox.trees: no repository of the product matches /releases/mozilla-unified (in all-nightly-branches)",
		"products.mobile.trees: no repository of the product matches /mozilla-mobile/firefox-ios (in firefox-ios-repo)",
		"products.mobile.restrictedScopes: no repository of the product is in firefox-ios-repo, so no task may have project:mobile:releng:treescript:action:push",
	}
	if diff := cmp.Diff(want, p.Notes(notedAt)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(p.Notes(notedAt), p.Notes(notedAt)) {
		t.Error("the notes differ from call to call")
	}
}
