package report

import "github.com/mozilla-releng/cot/trace"

// guide is what is known of a rule beside a finding's own evidence.
type guide struct {
	cause string // what usually is behind it: sentences
	next  string // what to do about it, where a finding has no hint of its own
}

// advice says what to do about a finding.
func advice(f trace.Finding) string {
	g := guides[f.Rule]
	switch {
	case f.Hint != "":
		return f.Hint
	case g.next != "":
		return g.next
	case f.Heals:
		return "try again later: what could not be had may be there then"
	}
	return "do not use this task's output; compare what is expected with what was found"
}

// page is the address of a rule's page; empty for what can't be a rule's id, so
// that no text of a report becomes a part of an address.
func page(r trace.Rule) string {
	for _, c := range r {
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return ""
		}
	}
	if r == "" {
		return ""
	}
	return "https://github.com/mozilla-releng/cot/blob/main/docs/rules/" + string(r) + ".md"
}

// guides has every rule; the pages in docs/rules say the same at length.
var guides = map[trace.Rule]guide{
	"run-not-completed": {
		"The run failed, was cancelled or is still going on, or the task was rerun and its newest run did not complete.",
		"wait for the run, rerun the task, or name a completed run as TASK_ID/RUN_ID",
	},
	"run-ambiguous": {
		"The input was rerun while the task that took it ran, and one of the two runs failed or is not signed.",
		"pin the input by its sha256, so that the report can say which run was used",
	},
	"cot-missing": {
		"The task does not turn on its worker's chain-of-trust feature, the worker failed to upload the document, or it has expired.",
		"turn on the chain-of-trust feature of the task that makes the input, or take the input from a task that has it",
	},
	"signature-missing": {
		"The worker was stopped between its two uploads, or somebody deleted the signature.",
		"the document was not uploaded with its signature: rerun the task that made it",
	},
	"signature-invalid": {
		"The workers of the pool have a new key that the policy in use does not have, a cache changed the bytes, or the document was changed after it was signed.",
		"rerun the task, and tell whoever runs the workers if it happens again; a newer policy may have a newer key",
	},
	"signer-unauthorized": {
		"The pool is new, or was moved to another worker implementation, and policy does not give it the key; or the pool's workers have no published key, as those of level 1.",
		"the key is not allowed for this worker pool: check signers in the policy, or --accept-unsigned-pools for a pool without a published key",
	},
	"certificate-path": {
		"The intermediate certificate was not uploaded beside the document, or the worker's certificate is of a CA that policy does not have.",
		"add the intermediate to signers.certificates.issuers, or the root to signers.certificates.roots, if they are yours",
	},
	"certificate-expired": {
		"The worker was not given a new certificate in time, or the task is older than its worker's certificate and was not time-stamped.",
		"rerun the task on a worker with a current certificate; time stamps keep artifacts verifiable for longer",
	},
	"certificate-revoked": {
		"The worker's key leaked, or its certificate was replaced and revoked for that.",
		"do not use what this worker signed: rerun the task on a worker with another certificate",
	},
	"revocation-unknown": {
		"The CA did not publish its CRL in time, or its URL can't be reached from here.",
		"have the CA publish a CRL, and check that signers.certificates.crls names it",
	},
	"timestamp-invalid": {
		"Workers use a time-stamping authority that policy does not name, or the task uploaded a file under that name.",
		"name the authority in signers.certificates.timestamps, or rerun the task without the time stamp",
	},
	"cot-malformed": {
		"The task writes additional data that its worker merged into the document.",
		"do not use this task's output: no worker writes such a document by itself; look at what the task adds to it",
	},
	"cot-task-id": {
		"Somebody put another task's document into the place of this one's.",
		"do not use this task's output: its document was made for another task",
	},
	"cot-run-id": {
		"Somebody put another run's document into the place of this one's.",
		"do not use this task's output: its document was made for another run",
	},
	"cot-worker": {
		"A worker's key is in use on another worker, or the document is of a run that was claimed twice.",
		"do not use this task's output: another worker than the queue's made its document",
	},
	"cot-task-definition": {
		"The task writes additional data that its worker merged into the document, or the worker was given another definition than the queue's.",
		"do not use this task's output: the worker ran another definition than the queue has",
	},
	"hash-algorithm": {
		"The task writes additional data that its worker merged into the document.",
		"look at what the task adds to its document: a worker writes sha256",
	},
	"task-claimed": {
		"The task writes additional data that its worker merged into the document.",
		"rely on artifacts that the worker uploaded and hashed itself",
	},
	"artifact-not-in-cot": {
		"The name is misspelt, the task did not make the artifact, or it is a log or a link, which workers don't hash.",
		"check the artifact's name against the task's list of artifacts; only what its worker hashed can be verified",
	},
	"artifact-hash": {
		"A cache or proxy holds older bytes, a process of the task wrote to the file while its worker hashed it, or the artifact was changed in storage.",
		"do not use this artifact: rerun the task that made it if storage holds the wrong bytes",
	},
	"artifact-unavailable": {
		"The artifact has expired, its upload failed, or the caller lacks the scope to read it.",
		"check the artifact's name, its expiry and the scopes of the credentials in use",
	},
	"artifact-not-written": {
		"The disk is full, the place can't be written to, or two inputs have one name.",
		"free space, check permissions, or choose another name or --dest",
	},
	"not-in-task-graph": {
		"The task was created by hand or by an action that extra.parent does not name, or its parent was rerun and another run made it.",
		"use the task that the decision task scheduled: this one was not created by its parent",
	},
	"differs-from-task-graph": {
		"A tool edited the task before it created it again (retrigger, an edited task, a task created by hand), or changed it on its way to the queue.",
		"the task is not what its parent meant to create: use the one that the decision task scheduled",
	},
	"undeclared-dependency": {
		"A tool added a dependency when it created the task again.",
		"the task has a dependency that its parent did not give it: use the one that the decision task scheduled",
	},
	"undeclared-input": {
		"A task id stands in the payload by its text, where the graph should have made it a dependency.",
		"add the task to the dependencies of the one that uses it",
	},
	"indexed-input": {
		"The index path was written by hand or by another task than the one whose routes name it.",
		"name the task by its task id: the one that the index holds does not claim that path",
	},
	"input-unpinned": {
		"A mount has no sha256, or the task fetches the artifact by a command of its own.",
		"pin the input by its sha256 (cot-download --print-mounts writes pinned mounts)",
	},
	"chain-too-long": {
		"Actions were triggered on the tasks of actions many times over; or somebody made a chain that does not end.",
		"raise limits.maxChainLength in the policy if the chain is genuine",
	},
	"decision-pool": {
		"The pool was renamed and policy has the old name, or the decision task was created by hand elsewhere.",
		"use a decision task from one of the product's decisionPools, or add the pool to them",
	},
	"tasks-for": {
		"The repository started to build on an event that policy does not list.",
		"see which hook or service created the task; if the event is meant, list it in tasksFor",
	},
	"differs-from-tree": {
		"The decision task was created by hand or edited; the hook that made it wraps .taskcluster.yml in a way of its own; or .taskcluster.yml uses a value that differs between the event and the commit, such as an owner or a title.",
		"the parent task is not what .taskcluster.yml at that revision renders to: use a decision task that the tree's own hook created",
	},
	"template-error": {
		".taskcluster.yml at that revision is wrong for this event, or yields no task or several for it.",
		"correct .taskcluster.yml in the tree; the message names the place",
	},
	"context-unvouched": {
		"The template uses a value of the event that no service can confirm any more, and its text is not in the plain form that is let through.",
		"trigger a new task for the same revision, or keep that value out of .taskcluster.yml",
	},
	"action-unknown": {
		"The task was created by hand, its extra.parent is not the task whose action was triggered, or the parent was rerun and offers other actions.",
		"trigger the action again from the graph that is meant",
	},
	"action-input": {
		"The hook was called with a payload of somebody's own, or the target task has expired.",
		"don't use it: trigger the action again, with an input that fits its schema",
	},
	"repository-untrusted": {
		"The task is of a fork or of a repository that policy does not list, or its URL is written in an unusual form.",
		"use a task from a repository that policy trusts, or --accept-untrusted-tree for a try push or a pull request",
	},
	"revision-not-in-tree": {
		"The commit was stripped or its branch was deleted or force-pushed, the task is of a commit that exists in a fork only, or of one in the middle of a push.",
		"use a task of a commit that the repository has; if its branch is gone, there is nothing to ask",
	},
	"source-mismatch": {
		"The template writes metadata.source from another value than the one it checks out.",
		"correct the template that writes metadata.source",
	},
	"tree-unexpected": {
		"The task id is of an older push or of another branch's graph.",
		"use a task of the tree that --tree names",
	},
	"product-mismatch": {
		"The graph takes an input from another product's graph, which policy does not list in inputsFrom.",
		"use a task of the product that --product names; if the products may feed each other, say so in inputsFrom",
	},
	"untrusted-contribution": {
		"The task is of a try push, a pull request or a branch that policy does not trust.",
		"on a try push or a pull request, say --accept-untrusted-tree; a release never may",
	},
	"restricted-scope": {
		"A release task was started from a development branch, or policy does not have the new branch in its trees.",
		"scopes like this one belong to the trees that policy gives them: use a task from such a tree",
	},
	"interactive": {
		"Somebody created the task again with a shell to look into a failure.",
		"use a task that nobody could log into",
	},
	"run-as-current-user": {
		"The task needs rights that a user of its own lacks.",
		"use a task that ran as a user of its own",
	},
	"task-type": {
		"The graph states a type by an older name, or the input was replaced by another kind of task.",
		"correct what the task states of its input, in the graph that makes it",
	},
	"worker-implementation": {
		"The pool was moved to another kind of worker while the task kept its tag or scopes.",
		"correct the task's worker-implementation tag, or implementations in the policy",
	},
	"docker-image-pool": {
		"Images are built in a new pool that policy does not have.",
		"build the image in one of the product's dockerImagePools, or add the pool to them",
	},
	"docker-image-task": {
		"The payload takes its image from another task than the one in extra.chainOfTrust.inputs.",
		"take the image from a docker-image task of the same graph or its index route",
	},
	"docker-image-hash": {
		"The image task was rerun and made another image, or its artifact was changed in storage.",
		"run the task again; if it stays, look at the image artifact's storage",
	},
	"prebuilt-image": {
		"A task that is neither a decision nor a docker-image task names an image of a registry.",
		"build the image in a docker-image task, or allow it in prebuiltImages",
	},
	"indexed-image": {
		"The payload names an image by its index path.",
		"name the image by task id, or allow it in indexedImages",
	},
	"unsigned-task": {
		"The task does not ask for the chain-of-trust feature, as most tests don't, or its workers can't sign.",
		"nothing, if what it makes is not shipped; unsignedTasks: refuse in the policy makes it an error",
	},
	"dependency-unresolved": {
		"Somebody scheduled the task by hand.",
		"rerun the task once its dependencies are resolved",
	},
	"report-refused": {
		"The task that verified runs another version of this program, or another policy, than the one that relies on it.",
		"give both tasks the same program and policy, and rerun the one that verifies",
	},
	"report-outdated": {
		"A task of the group was completed, run again or added after its part was verified.",
		"rerun the tasks of the parts that this is about, then merge again",
	},
	"input-unverified": {
		"The task that the input comes from has a finding of its own.",
		"see what is wrong with that task, then rerun this one",
	},
	"evidence-unavailable": {
		"A service was down or busy, or the network does not let it through; a task or artifact that never comes back has expired.",
		"try again later, or check that the services this needs can be reached",
	},
	"evidence-unvouched": {
		"A bundle of evidence was judged without its digest, or it is another than the one whose digest was given.",
		"say the digest of the bundle that is meant with --evidence-sha256, from a source other than the bundle's own",
	},
}
