package trace

// Rule is the stable id of a check. Users script against these names; each has
// a page in docs/rules.
type Rule string

// Rules about a run and its document (design steps 1 to 4).
const (
	RuleRunNotCompleted    Rule = "run-not-completed"
	RuleRunAmbiguous       Rule = "run-ambiguous"
	RuleCotMissing         Rule = "cot-missing"
	RuleSignatureMissing   Rule = "signature-missing"
	RuleSignatureInvalid   Rule = "signature-invalid"
	RuleSignerUnauthorized Rule = "signer-unauthorized"
	RuleCertificatePath    Rule = "certificate-path"
	RuleCertificateExpired Rule = "certificate-expired"
	RuleCertificateRevoked Rule = "certificate-revoked"
	RuleRevocationUnknown  Rule = "revocation-unknown"
	RuleTimestampInvalid   Rule = "timestamp-invalid"
	RuleCotMalformed       Rule = "cot-malformed"
	RuleCotTaskID          Rule = "cot-task-id"
	RuleCotRunID           Rule = "cot-run-id"
	RuleCotWorker          Rule = "cot-worker"
	RuleCotTaskDefinition  Rule = "cot-task-definition"
	RuleHashAlgorithm      Rule = "hash-algorithm"
	RuleTaskClaimed        Rule = "task-claimed"
)

// Rules about artifacts.
const (
	RuleArtifactNotInCot    Rule = "artifact-not-in-cot"
	RuleArtifactHash        Rule = "artifact-hash"
	RuleArtifactUnavailable Rule = "artifact-unavailable"
	RuleArtifactNotWritten  Rule = "artifact-not-written"
)

// Rules about the way back to the tree (steps 5 to 8).
const (
	RuleNotInTaskGraph       Rule = "not-in-task-graph"
	RuleDiffersFromTaskGraph Rule = "differs-from-task-graph"
	RuleUndeclaredDependency Rule = "undeclared-dependency"
	RuleUndeclaredInput      Rule = "undeclared-input"
	RuleIndexedInput         Rule = "indexed-input"
	RuleInputUnpinned        Rule = "input-unpinned"
	RuleChainTooLong         Rule = "chain-too-long"
	RuleDecisionPool         Rule = "decision-pool"
	RuleTasksFor             Rule = "tasks-for"
	RuleDiffersFromTree      Rule = "differs-from-tree"
	RuleTemplateError        Rule = "template-error"
	RuleContextUnvouched     Rule = "context-unvouched"
	RuleActionUnknown        Rule = "action-unknown"
	RuleActionInput          Rule = "action-input"
	RuleRepositoryUntrusted  Rule = "repository-untrusted"
	RuleRevisionNotInTree    Rule = "revision-not-in-tree"
	RuleSourceMismatch       Rule = "source-mismatch"
	RuleTreeUnexpected       Rule = "tree-unexpected"
	RuleProductMismatch      Rule = "product-mismatch"
	RuleUntrustedContrib     Rule = "untrusted-contribution"
)

// Rules about what a task may do (step 9).
const (
	RuleRestrictedScope      Rule = "restricted-scope"
	RuleInteractive          Rule = "interactive"
	RuleRunAsCurrentUser     Rule = "run-as-current-user"
	RuleTaskType             Rule = "task-type"
	RuleWorkerImplementation Rule = "worker-implementation"
	RuleDockerImagePool      Rule = "docker-image-pool"
	RuleDockerImageTask      Rule = "docker-image-task"
	RuleDockerImageHash      Rule = "docker-image-hash"
	RulePrebuiltImage        Rule = "prebuilt-image"
	RuleIndexedImage         Rule = "indexed-image"
)

// Rules about whole graphs.
const (
	RuleUnsignedTask         Rule = "unsigned-task"
	RuleDependencyUnresolved Rule = "dependency-unresolved"
	RuleInputUnverified      Rule = "input-unverified"
)

// Rules about reports that other tasks published.
const (
	RuleReportRefused  Rule = "report-refused"  // can't be relied on
	RuleReportOutdated Rule = "report-outdated" // something happened since it was made
)

// Rules about what was read. RuleEvidenceUnavailable is left where something
// needed for a rule could not be had and no rule of its own says so.
const (
	RuleEvidenceUnavailable Rule = "evidence-unavailable"
	RuleEvidenceUnvouched   Rule = "evidence-unvouched"
)
