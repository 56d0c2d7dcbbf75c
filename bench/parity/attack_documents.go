package main

import (
	"bytes"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

const artifact = "public/build/target.tar.bz2"

var documentAttacks = []attack{
	{
		name: "a failed build with a valid document", on: inGraph,
		edit:  func(c *chain) { c.build.Last().Resolve(fixtures.Failed, "failed") },
		rules: rules(trace.RuleRunNotCompleted),
		why:   "a signature does not mean success: workers sign failed runs too",
	},
	{
		name: "an older run's document and files", on: inGraph,
		edit: func(c *chain) {
			first, second := c.build.Last(), c.build.Rerun()
			if c.signing != nil {
				delay(c.signing.Last(), time.Hour) // until the second is there
			}
			second.Document.Replay = first
			for _, a := range second.Artifacts {
				if a.Content != nil {
					a.Content = first.Artifact(a.Name).Content
				}
			}
		},
		rules: rules(trace.RuleCotRunID),
		why:   "the document must be of the run that it is served for, or storage chooses which run counts",
	},
	{
		name: "another worker's document", on: inGraph,
		edit:  inDocument(func(d fixtures.Object) { d["workerId"] = "i-0another" }),
		rules: rules(trace.RuleCotWorker),
		why:   "the worker that signed must be the one that the queue gave the run to",
	},
	{
		name: "another worker group's document", on: inGraph,
		edit:  inDocument(func(d fixtures.Object) { d["workerGroup"] = "elsewhere" }),
		rules: rules(trace.RuleCotWorker),
		why:   "the worker that signed must be the one that the queue gave the run to",
	},
	{
		name: "another task's document", edit: func(c *chain) { c.build.Last().Document.Replay = c.parent().Last() },
		rules: rules(trace.RuleCotTaskID),
	},
	{
		name: "an embedded task that differs from the queue's",
		edit: document(func(d *fixtures.Document) {
			d.EditTask = func(task fixtures.Object) { object(task, "payload")["maxRunTime"] = 1 }
		}),
		rules: rules(trace.RuleCotTaskDefinition),
		why:   "the worker signed what it ran, which need not be what the queue shows later",
	},
	{
		name: "a queue that shows another task than was run", on: inGraph,
		edit: func(c *chain) {
			c.build.Last().Document.EditTask = func(task fixtures.Object) { object(task, "payload")["command"] = []any{"true"} }
		},
		rules: rules(trace.RuleCotTaskDefinition),
		why:   "the worker signed what it ran, which need not be what the queue shows later",
	},
	{
		name: "a key that the task put inside the embedded task", on: inGraph,
		edit: document(func(d *fixtures.Document) {
			d.AdditionalData = fixtures.Object{"task": fixtures.Object{"payload": fixtures.Object{"added": true}}}
		}),
		rules: rules(trace.RuleCotTaskDefinition),
		why:   "generic-worker merges a file of the task's into the document that it signs",
	},
	{
		name: "a document of version 2", edit: inDocument(func(d fixtures.Object) { d["chainOfTrustVersion"] = 2 }),
		rules: rules(trace.RuleCotMalformed),
		why:   "nobody knows what a document of another version means; scriptworker does not apply its schema",
	},
	{
		name: "a document that violates its schema", edit: inDocument(func(d fixtures.Object) { d["runId"] = "0" }),
		rules: rules(trace.RuleCotMalformed),
		why:   "scriptworker does not apply its schema",
	},
	{
		name: "a document without artifacts", edit: inDocument(func(d fixtures.Object) { delete(d, "artifacts") }),
		rules: rules(trace.RuleCotMalformed),
		why:   "scriptworker does not apply its schema",
	},
	{
		name: "duplicate names in a document",
		edit: document(func(d *fixtures.Document) {
			d.EditBytes = func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"taskId"`), []byte(`"taskId": "AAAAAAAAQAAAAAAAAAAAAA", "taskId"`), 1)
			}
		}),
		rules: rules(trace.RuleCotMalformed),
		why:   "readers differ in which of two values they take",
	},
	{
		name: "a name that differs from a known one in case", edit: inDocument(func(d fixtures.Object) { d["taskid"] = d["taskId"] }),
		rules: rules(trace.RuleCotMalformed),
		why:   "readers differ in whether case counts",
	},
	{
		name: "data after the document",
		edit: document(func(d *fixtures.Document) { d.EditBytes = func(b []byte) []byte { return append(b, "{}"...) } }), rules: rules(trace.RuleCotMalformed),
	},
	{
		name: "a document that is not UTF-8",
		edit: document(func(d *fixtures.Document) {
			d.EditBytes = func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"environment": {`), []byte("\"environment\": {\"a\": \"\xff\", "), 1)
			}
		}),
		rules: rules(trace.RuleCotMalformed),
	},
	{
		name: "a document of great depth",
		edit: document(func(d *fixtures.Document) {
			d.EditBytes = func(b []byte) []byte {
				deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
				return bytes.Replace(b, []byte(`"environment": {`), []byte(`"environment": {"a": `+deep+`, `), 1)
			}
		}),
		rules: rules(trace.RuleCotMalformed),
	},
	{
		name: "an artifact with no hash",
		edit: inDocument(func(d fixtures.Object) { object(d, "artifacts")[artifact] = fixtures.Object{} }), rules: rules(trace.RuleHashAlgorithm),
		why: "with nothing to compare, any bytes pass",
	},
	{
		name: "an artifact with a hash of another algorithm", on: signed,
		edit:  inDocument(func(d fixtures.Object) { object(d, "artifacts", artifact)["md5"] = strings.Repeat("0", 32) }),
		rules: rules(trace.RuleHashAlgorithm),
	},
	{
		name: "no document", on: inGraph, edit: func(c *chain) { c.build.Last().Unsign() }, rules: rules(trace.RuleCotMissing),
	},
	{
		name: "a document that storage lost", edit: func(c *chain) { c.build.Artifact(fixtures.DocumentName).Lost = true }, rules: rules(trace.RuleCotMissing),
	},
	{
		name: "no document of what the event started", edit: func(c *chain) { c.parent().Last().Unsign() }, rules: rules(trace.RuleCotMissing),
	},
	{
		name: "a task that the queue has forgotten", edit: func(c *chain) { c.build.Gone = true }, rules: rules(trace.RuleEvidenceUnavailable),
	},
}

// delay has a run take place later.
func delay(r *fixtures.Run, by time.Duration) {
	r.Scheduled, r.Started, r.Resolved = r.Scheduled.Add(by), r.Started.Add(by), r.Resolved.Add(by)
}

// signs gives the build's document another signature.
func signs(edit func([]byte) []byte) func(*chain) {
	return document(func(d *fixtures.Document) { d.EditSignature = edit })
}

var signatureAttacks = []attack{
	{
		name: "a key that nobody has", on: keyed, edit: func(c *chain) { c.build.Last().Document.Key = c.world.Keys.Foreign },
		rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "the key of a level 1 worker", on: keyed, edit: func(c *chain) { c.build.Last().Document.Key = c.world.Keys.LevelOne },
		rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "a retired key", on: keyed, edit: func(c *chain) { c.build.Last().Document.Key = c.world.Keys.Retired },
		rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "another implementation's key", on: keyed, edit: func(c *chain) { c.build.Last().Document.Key = c.world.Keys.Scriptworker },
		rules: rules(trace.RuleSignerUnauthorized),
	},
	{
		name: "a key that nobody has, on what the event started", on: keyed,
		edit: func(c *chain) { c.parent().Last().Document.Key = c.world.Keys.Foreign }, rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "a key that nobody has, on the image", on: all(keyed, docker),
		edit: func(c *chain) { c.image.Last().Document.Key = c.world.Keys.Foreign }, rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "a key that nobody has, on the target", on: signed,
		edit: func(c *chain) { c.signing.Last().Document.Key = c.world.Keys.Foreign }, rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "a flipped signature", on: keyed, edit: signs(func(b []byte) []byte { b[3] ^= 1; return b }), rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "a short signature", on: keyed, edit: signs(func(b []byte) []byte { return b[:63] }), rules: rules(trace.RuleSignatureInvalid),
	},
	{
		name: "no signature", on: keyed, edit: func(c *chain) { c.build.Last().Remove(fixtures.SignatureName) }, rules: rules(trace.RuleSignatureMissing),
	},
	{
		name: "a signature that storage lost", on: keyed,
		edit: func(c *chain) { c.build.Artifact(fixtures.SignatureName).Lost = true }, rules: rules(trace.RuleSignatureMissing),
	},
	{
		name: "a document that storage changed", on: keyed,
		edit: func(c *chain) {
			c.build.Artifact(fixtures.DocumentName).EditStored = func(b []byte) []byte { return append(b, ' ') }
		},
		rules: rules(trace.RuleSignatureInvalid),
	},
}
