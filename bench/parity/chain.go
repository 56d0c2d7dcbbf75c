package main

import (
	"slices"

	"github.com/mozilla-releng/cot/fixtures"
)

// seed is the world's: the same in every run, so that the table is.
const seed = 1

// chain is one chain of the virtual deployment, from what a verifier is asked
// for to the event that began it.
type chain struct {
	event    string // names the chain
	world    *fixtures.EventsWorld
	decision *fixtures.Task
	action   *fixtures.Task // the build's parent; nil: decision is
	image    *fixtures.Task
	build    *fixtures.Task
	signing  *fixtures.Task // takes build; nil on level 1
}

// parent is what the event started.
func (c *chain) parent() *fixtures.Task {
	if c.action != nil {
		return c.action
	}
	return c.decision
}

// target is what both verifiers are asked for.
func (c *chain) target() *fixtures.Task {
	if c.signing != nil {
		return c.signing
	}
	return c.build
}

func (c *chain) origin() *fixtures.Origin { return c.parent().Graph().Origin }

// product is the policy's name for what the chain builds.
func (c *chain) product() string {
	switch domain := c.origin().TrustDomain; domain {
	case "gecko":
		return "firefox"
	case "comm":
		return "thunderbird"
	default:
		return domain
	}
}

func (c *chain) gitHub() bool { return c.product() == "app" || c.product() == "small" }

// keyed tells whether the chain's workers sign with keys that policy has.
func (c *chain) keyed() bool { return c.origin().Level == "3" }

// contribution tells whether the chain verifies only for who accepts try, pull
// requests and untrusted branches, all of which are of level 1 here.
func (c *chain) contribution() bool { return !c.keyed() }

// began tells whether the parent was started by one of these events.
func (c *chain) began(tasksFor ...string) bool {
	return slices.Contains(tasksFor, c.tasksFor())
}

func (c *chain) tasksFor() string {
	return object(c.parent().Definition, "extra")["tasks_for"].(string)
}

// Chains beside those of fixtures.Events, by the names that code knows them by.
const (
	tryPush     = "hg-push to try"
	genericPush = "hg-push, built by generic-worker"
	d2gPush     = "hg-push, image run by generic-worker"
	fetchPush   = "hg-push, build with fetches"
	copies      = "hg-push, one of several copies"
	actedTwice  = "action on an action's graph"
)

// chains makes a world anew and gives all its chains.
func chains() []*chain {
	e := fixtures.Events(seed)
	var out []*chain
	for _, t := range e.Targets() {
		out = append(out, &chain{event: t.Name, world: e, decision: t.Decision, action: t.Action, image: t.Image, build: t.Build, signing: t.Signing})
	}
	add := func(name string, decision *fixtures.Task, more func(c *chain, g *fixtures.Graph)) {
		c := &chain{event: name, world: e, decision: decision}
		g := decision.Graph()
		c.image = g.DockerImage("debian12-parity")
		more(c, g)
		out = append(out, c)
	}
	build := func(c *chain, g *fixtures.Graph) { c.build = g.Build("linux64-parity/opt", c.image) }
	nightly := func(c *chain, g *fixtures.Graph) {
		c.signing = g.Signing("parity/opt", []string{"project:releng:signing:cert:nightly-signing"}, fixtures.Upstream{Task: c.build})
	}
	signed := func(make func(c *chain, g *fixtures.Graph) *fixtures.Task) func(c *chain, g *fixtures.Graph) {
		return func(c *chain, g *fixtures.Graph) {
			c.build = make(c, g)
			nightly(c, g)
		}
	}
	push := func(desc string) *fixtures.Task { return e.Central.Push(desc).Decision() }

	add(genericPush, push("Bug 1900020 - natively r=nine"), signed(func(c *chain, g *fixtures.Graph) *fixtures.Task {
		return g.GenericBuild("win64-parity/opt", g.Toolchain("clang-parity", c.image))
	}))
	add(d2gPush, push("Bug 1900021 - in a container r=nine"), signed(func(c *chain, g *fixtures.Graph) *fixtures.Task {
		return g.D2G("linux64-parity/opt", c.image)
	}))
	add(fetchPush, push("Bug 1900022 - with a toolchain r=nine"), signed(func(c *chain, g *fixtures.Graph) *fixtures.Task {
		return g.Build("linux64-parity/opt", c.image, fixtures.Fetch{Task: g.Toolchain("clang-parity", c.image), Artifact: "public/build/clang-parity.tar.zst"})
	}))
	add(copies, push("Bug 1900023 - several times r=nine"), signed(func(c *chain, g *fixtures.Graph) *fixtures.Task {
		return g.Duplicate(g.Build("linux64-parity/opt", c.image), 3)[0]
	}))
	add(actedTwice, push("Bug 1900024 - promoted r=nine"), func(c *chain, g *fixtures.Graph) {
		promoted := g.Action("release-promotion", nil, fixtures.Object{"build_number": 1, "release_promotion_flavor": "promote_firefox"})
		c.action = promoted.Graph().Action("retrigger", nil, fixtures.Object{})
		build(c, c.action.Graph())
		nightly(c, c.action.Graph())
	})
	add(tryPush, e.Repository("/try", "try", "1").Push("Fuzzy query=build\n\nPushed via `mach try fuzzy`").Decision(), build)
	complete(e)
	return out
}

// commit is where a GitHub chain's tree is.
func (c *chain) commit() *fixtures.Commit {
	at := c.origin().Revision
	for _, r := range c.world.GitHubRepositories {
		var queue []*fixtures.Commit
		for _, b := range r.Branches {
			queue = append(queue, b.Head)
		}
		for _, t := range r.Tags {
			if t.Name == at {
				return t.Commit
			}
		}
		for ; len(queue) > 0; queue = append(queue[1:], queue[0].Parents...) {
			if queue[0].SHA == at {
				return queue[0]
			}
		}
	}
	panic("no commit " + at)
}

// push is where a Mercurial chain's tree is.
func (c *chain) push() *fixtures.Push {
	for _, r := range c.world.Repositories {
		for _, p := range r.Pushes {
			if p.Revision() == c.origin().Revision {
				return p
			}
		}
	}
	panic("no push of " + c.origin().Revision)
}

// files are the chain's tree, to be changed at will.
func (c *chain) files() map[string][]byte {
	if !c.gitHub() {
		return c.push().Files
	}
	commit, files := c.commit(), map[string][]byte{}
	for name, content := range commit.Files {
		files[name] = content // commits of a branch may share theirs
	}
	commit.Files = files
	return files
}

// object walks into nested objects.
func object(m fixtures.Object, keys ...string) fixtures.Object {
	for _, k := range keys {
		m = m[k].(fixtures.Object)
	}
	return m
}

func variables(t *fixtures.Task) fixtures.Object { return object(t.Definition, "payload", "env") }

// both changes a task and its entry in the task graph alike.
func both(t *fixtures.Task, change func(def fixtures.Object)) {
	change(t.Definition)
	if t.Entry != nil {
		change(t.Entry.Task)
	}
}
