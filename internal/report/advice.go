package report

import "github.com/mozilla-releng/cot/trace"

// advice says what to do about a finding that brings no hint of its own.
func advice(f trace.Finding) string {
	if f.Hint != "" {
		return f.Hint
	}
	if s, ok := ruleAdvice[string(f.Rule)]; ok {
		return s
	}
	if f.Heals {
		return "try again later: what could not be had may be there then"
	}
	return "do not use this task's output; compare what is expected with what was found"
}

var ruleAdvice = map[string]string{
	"run-not-completed":       "wait for the run, rerun the task, or name a completed run as TASK_ID/RUN_ID",
	"run-ambiguous":           "pin the input by its sha256, so that the report can say which run was used",
	"cot-missing":             "turn on the chain-of-trust feature of the task that makes the input, or take the input from a task that has it",
	"signature-missing":       "the document was not uploaded with its signature: rerun the task that made it",
	"signature-invalid":       "the document was changed after it was signed, or signed by a key that policy does not know: rerun the task, and tell whoever runs the workers if it happens again",
	"signer-unauthorized":     "the key is not allowed for this worker pool: check signers in the policy, or --accept-unsigned-pools for a pool without a published key",
	"cot-malformed":           "do not use this task's output: no worker writes such a document",
	"cot-task-id":             "do not use this task's output: its document was made for another task",
	"cot-run-id":              "do not use this task's output: its document was made for another run",
	"cot-worker":              "do not use this task's output: another worker than the queue's made its document",
	"cot-task-definition":     "do not use this task's output: the worker ran another definition than the queue has",
	"artifact-not-in-cot":     "check the artifact's name against the task's list of artifacts; only what its worker hashed can be verified",
	"artifact-hash":           "do not use this artifact: rerun the task that made it if storage holds the wrong bytes",
	"artifact-not-written":    "free space, check permissions, or choose another name or --dest",
	"artifact-unavailable":    "check the artifact's name, its expiry and the scopes of the credentials in use",
	"not-in-task-graph":       "the task was not created by its parent: use the one that the decision task scheduled",
	"differs-from-task-graph": "the task is not what its parent meant to create: use the one that the decision task scheduled",
	"undeclared-dependency":   "the task has a dependency that its parent did not give it: use the one that the decision task scheduled",
	"undeclared-input":        "add the task to the dependencies of the one that uses it",
	"differs-from-tree":       "the parent task is not what .taskcluster.yml at that revision renders to: use a decision task that the tree's own hook created",
	"repository-untrusted":    "use a task from a repository that policy trusts, or --accept-untrusted-tree for a try push or a pull request",
	"untrusted-contribution":  "on a try push or a pull request, say --accept-untrusted-tree; a release never may",
	"tree-unexpected":         "use a task of the tree that --tree names",
	"product-mismatch":        "use a task of the product that --product names",
	"restricted-scope":        "scopes like this one belong to the trees that policy gives them: use a task from such a tree",
	"interactive":             "use a task that nobody could log into",
	"run-as-current-user":     "use a task that ran as a user of its own",
	"task-type":               "correct what the task states of its input, in the graph that makes it",
	"evidence-unavailable":    "try again later, or check that the services this needs can be reached",
	"input-unpinned":          "pin the input by its sha256 (cot-download --print-mounts writes pinned mounts)",
	"indexed-input":           "the task that the index names does not claim that index path: use the task id itself",
}
