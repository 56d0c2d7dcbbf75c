package main

import (
	"slices"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// attack changes an honest chain in one thing, as somebody could who holds
// scopes, storage or a worker, but neither a key nor the tree.
type attack struct {
	name string
	on   func(c *chain) bool // nil: every chain
	edit func(c *chain)
	// rules are those of which one must refuse; none: it is harmless, or nobody
	// can know.
	rules []trace.Rule
	// why says what the rule protects from, where scriptworker accepts.
	why string
	// neither says why none of the two can refuse; there are no rules then.
	neither string
	// bytes: it is about what the target's inputs hold, which cot-download hashes.
	bytes bool
}

// refused tells whether one must refuse it.
func (a attack) refused() bool { return len(a.rules) > 0 }

func (a attack) applies(c *chain) bool { return a.on == nil || a.on(c) }

// section is a part of the table.
type section struct {
	title   string
	attacks []attack
}

// sections are all that is tried.
func sections() []section {
	return []section{
		{"Runs and documents", documentAttacks},
		{"Signatures", signatureAttacks},
		{"The task graph", graphAttacks},
		{"Images and inputs", inputAttacks},
		{"Workers", workerAttacks},
		{"Scopes and repositories", scopeAttacks},
		{"What the event started, against the tree", treeAttacks},
		{"What the event claims", claimAttacks},
		{"Actions", actionAttacks},
		{"What neither refuses", neither},
		{"Harmless differences", harmless},
	}
}

func rules(list ...trace.Rule) []trace.Rule { return list }

// Conditions.

func keyed(c *chain) bool  { return c.keyed() }
func signed(c *chain) bool { return c.signing != nil }
func acts(c *chain) bool   { return c.action != nil }
func hg(c *chain) bool     { return !c.gitHub() }
func app(c *chain) bool    { return c.product() == "app" }

func on(events ...string) func(*chain) bool {
	return func(c *chain) bool { return slices.Contains(events, c.event) }
}

func began(tasksFor ...string) func(*chain) bool {
	return func(c *chain) bool { return c.began(tasksFor...) }
}

func all(conditions ...func(*chain) bool) func(*chain) bool {
	return func(c *chain) bool {
		return !slices.ContainsFunc(conditions, func(holds func(*chain) bool) bool { return !holds(c) })
	}
}

func not(condition func(*chain) bool) func(*chain) bool {
	return func(c *chain) bool { return !condition(c) }
}

// docker tells whether the build has a docker payload.
func docker(c *chain) bool { return object(c.build.Definition, "payload")["image"] != nil }

// inGraph tells whether the build has an entry of its own.
func inGraph(c *chain) bool { return c.build.Entry != nil }

// Edits.

func document(edit func(d *fixtures.Document)) func(*chain) {
	return func(c *chain) { edit(c.build.Last().Document) }
}

func inDocument(edit func(doc fixtures.Object)) func(*chain) {
	return document(func(d *fixtures.Document) { d.Edit = edit })
}

// definition changes the build alone, its entry in the task graph not.
func definition(edit func(def fixtures.Object)) func(*chain) {
	return func(c *chain) { edit(c.build.Definition) }
}

// planned changes the build as the tree's own taskgraph could have made it.
func planned(edit func(def fixtures.Object)) func(*chain) {
	return func(c *chain) { both(c.build, edit) }
}

// started changes what the event started.
func started(edit func(def fixtures.Object)) func(*chain) {
	return func(c *chain) { edit(c.parent().Definition) }
}

func grant(t *fixtures.Task, scope string) {
	both(t, func(d fixtures.Object) { d["scopes"] = added(d["scopes"], scope) })
}

// added is a list of its own with one more element.
func added(list any, element any) []any {
	old, _ := list.([]any)
	return append(slices.Clone(old), element)
}

// move puts a task into another pool of its provisioner.
func move(def fixtures.Object, workerType string) {
	def["workerType"] = workerType
	if def["taskQueueId"] != nil {
		def["taskQueueId"] = def["provisionerId"].(string) + "/" + workerType
	}
}

// command changes the last word of a task's command.
func command(t *fixtures.Task, edit func(string) string) {
	words := object(t.Definition, "payload")["command"].([]any)
	words[len(words)-1] = edit(words[len(words)-1].(string))
}
