package trace

import (
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// Verdict is what a report comes to. The zero value is "not checked".
type Verdict string

// Verdicts, from best to worst.
const (
	Verified     Verdict = "verified"     // every rule holds
	Signed       Verdict = "signed"       // only signatures were asked for, and they hold
	Accepted     Verdict = "accepted"     // all holds but for what the caller accepted by a flag
	Undetermined Verdict = "undetermined" // something could not be had; trying again may help
	Untrusted    Verdict = "untrusted"    // a rule does not hold
)

// OK tells whether the verdict allows its inputs to be used.
func (v Verdict) OK() bool { return v == Verified || v == Signed || v == Accepted }

// Severity is a finding's weight. The zero value is none.
type Severity string

// Severities. Only errors change a verdict.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Finding is one rule's verdict on one task, with its evidence.
type Finding struct {
	Rule     Rule     `json:"rule"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Path     string   `json:"path,omitempty"` // JSON Pointer (RFC 6901) into the document compared
	Want     any      `json:"want,omitempty"`
	Got      any      `json:"got,omitempty"`
	Hint     string   `json:"hint,omitempty"`     // what to try next
	Heals    bool     `json:"heals,omitempty"`    // trying again later may help
	Accepted string   `json:"accepted,omitempty"` // the flag by which the caller accepted this

	// derived: another finding is the cause, and decides whether this heals.
	derived bool
}

// Derived tells whether another finding of the report is the cause of this one.
func (f Finding) Derived() bool { return f.derived }

// Report is what a run found: every task with every finding, and the verdict
// that follows from them.
type Report struct {
	APIVersion string     `json:"apiVersion"`
	Version    string     `json:"version,omitempty"` // of the program, whose rules these are
	Verdict    Verdict    `json:"verdict"`
	Scope      Scope      `json:"scope"`
	Evidence   string     `json:"evidence"`         // EvidenceLive or EvidenceRecorded
	Bundle     *Bundle    `json:"bundle,omitempty"` // what recorded evidence is from
	At         *time.Time `json:"at"`
	Target     Target     `json:"target"`
	RootURL    string     `json:"rootUrl"`
	VerifiedAt time.Time  `json:"verifiedAt"`
	Policy     PolicyInfo `json:"policy"`
	Accepted   []string   `json:"accepted,omitempty"` // --accept-… flags that made a difference
	ReliesOn   *ReliesOn  `json:"reliesOn,omitempty"` // nil: on no other report
	Tasks      []Task     `json:"tasks"`
	Artifacts  []Artifact `json:"artifacts"`
	Shard      *Shard     `json:"shard,omitempty"` // nil: it is about all that was asked for
	Joins      []Joined   `json:"joins,omitempty"` // the parts' reports that it is made of
	// Distrusted says what rests on ids that the caller named; nil: none were.
	Distrusted *Distrusted `json:"distrusted,omitempty"`
	// Signers are whose signatures hold, the busiest first.
	Signers  []SignerUse `json:"signers,omitempty"`
	Findings []Finding   `json:"findings,omitempty"` // of the request as a whole
	Notes    []string    `json:"notes,omitempty"`    // what is out of reach, and what was skipped because nothing was asked for
	Summary  Summary     `json:"summary"`

	// NothingAsked: the caller asked for an explicitly empty list of inputs.
	NothingAsked bool `json:"-"`

	documents map[graph.RunRef]*vouched
	runs      map[string]graph.RunRef
	taken     []StoredArtifact // that judged tasks took from others
}

// ReliesOn names a report that another task published, and that stands for what
// was not looked at again.
type ReliesOn struct {
	TaskID     string    `json:"taskId"`
	RunID      int       `json:"runId"`
	Artifact   string    `json:"artifact"`
	SHA256     string    `json:"sha256"`
	VerifiedAt time.Time `json:"verifiedAt"` // as of which what it says was found
	Tasks      int       `json:"tasks"`      // for which it stands here
}

// What a report's evidence is: answers of the services, or those that a bundle
// has of them.
const (
	EvidenceLive     = "live"
	EvidenceRecorded = "recorded"
)

// Scope is how much was asked for.
type Scope string

// Scopes.
const (
	ScopeTree      Scope = "tree"      // the whole chain back to the tree
	ScopeSignature Scope = "signature" // signature, document and digests alone
)

// Target is what the caller named.
type Target struct {
	TaskID     string   `json:"taskId,omitempty"`
	RunID      *int     `json:"runId,omitempty"`
	Tasks      []string `json:"tasks,omitempty"`      // several targets, TASK_ID/RUN_ID
	Namespaces []string `json:"namespaces,omitempty"` // index paths that name some of them
	File       *File    `json:"file,omitempty"`       // that is looked for among their artifacts
	Tree       string   `json:"tree,omitempty"`       // --tree
	Product    string   `json:"product,omitempty"`
	Repository string   `json:"repository,omitempty"`
	Groups     []Group  `json:"groups,omitempty"` // whole graphs
}

// Group is a task group that was verified whole.
type Group struct {
	ID      string     `json:"taskGroupId"`
	Tasks   int        `json:"tasks"`
	Sealed  *time.Time `json:"sealed"` // since when no task may join; nil: any may
	Growing bool       `json:"growing,omitempty"`
}

// File is a file of the caller's.
type File struct {
	Path   string `json:"path"` // as the caller named it
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// PolicyInfo names the policy that judged.
type PolicyInfo struct {
	Name    string   `json:"name"`
	SHA256  string   `json:"sha256"`
	Relaxed []string `json:"relaxed"`
}

// Tree is a link's repository and revision.
type Tree struct {
	Repository string `json:"repository"`
	Revision   string `json:"revision"`
}

// Signer says who signed a link's document.
type Signer struct {
	Method     string     `json:"method"`
	Identity   string     `json:"identity"`
	KeyID      string     `json:"keyId"`
	SignedAt   *time.Time `json:"signedAt"`
	TimeSource string     `json:"timeSource"`
}

// Task is one link of the report.
type Task struct {
	TaskID         string    `json:"taskId"`
	RunID          *int      `json:"runId"`
	Name           string    `json:"name"`
	Type           string    `json:"type"`
	Overruled      string    `json:"overruled,omitempty"` // the type that it looks like, where the caller said another
	Verdict        Verdict   `json:"verdict"`
	Parent         string    `json:"parent,omitempty"`
	Group          string    `json:"group,omitempty"` // its taskGroupId
	WorkerPool     string    `json:"workerPool"`
	Implementation string    `json:"workerImplementation,omitempty"`
	Tree           *Tree     `json:"tree,omitempty"`
	Product        string    `json:"product,omitempty"`
	ReliesOn       string    `json:"reliesOn,omitempty"` // TASK_ID/RUN_ID:ARTIFACT, the report that stands for its chain
	Signer         *Signer   `json:"signer,omitempty"`
	DocumentSHA256 string    `json:"documentSha256,omitempty"` // of its chain of trust document, if that holds
	Image          *Image    `json:"image,omitempty"`          // of docker payloads
	Status         string    `json:"status"`
	Listed         bool      `json:"listed,omitempty"`     // of a whole graph: it changes no verdict
	Restricted     bool      `json:"restricted,omitempty"` // it has a restricted scope
	Inputs         []Input   `json:"inputs,omitempty"`
	Claims         []string  `json:"taskClaims,omitempty"` // JSON Pointers of what the task, not the worker, may have put in the document
	Findings       []Finding `json:"findings"`

	rests []int    // the report's tasks that this one rests on
	ids   []string // of keys and certificates that its signatures rest on
}

// Image says which docker image a task ran in: what it names, and what its
// worker recorded, where that counts.
type Image struct {
	Name         string `json:"name"`                        // of a registry, TASK_ID:ARTIFACT or index:NAMESPACE:ARTIFACT
	ArtifactHash string `json:"imageArtifactHash,omitempty"` // digest of the image artifact
	Hash         string `json:"imageHash,omitempty"`         // Docker's id of the image
}

// Input is an edge along which another task's output reached this one.
type Input struct {
	TaskID   string `json:"taskId"`
	RunID    *int   `json:"runId,omitempty"`
	Reason   string `json:"reason"`
	Artifact string `json:"artifact,omitempty"`
	Pinned   bool   `json:"pinned"`
}

// Artifact is one artifact that was asked for.
type Artifact struct {
	TaskID string `json:"taskId"`
	RunID  int    `json:"runId"`
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	SHA512 string `json:"sha512,omitempty"`
	Bytes  int64  `json:"bytes"`
	Hashed bool   `json:"hashed"` // its bytes were hashed in this run
	Path   string `json:"path,omitempty"`
	// Unpacked counts the files and links that the artifact, an archive, was
	// unpacked to below Path; nil: it is the file at Path.
	Unpacked *int    `json:"unpacked,omitempty"`
	Kept     bool    `json:"kept,omitempty"` // it was there already, identical
	Verdict  Verdict `json:"verdict"`
	// Findings about the bytes of this artifact.
	Findings []Finding `json:"findings,omitempty"`
}

// Summary counts.
type Summary struct {
	Tasks        int `json:"tasks"`
	Verified     int `json:"verified"`
	Untrusted    int `json:"untrusted"`
	Undetermined int `json:"undetermined"`
	Unsigned     int `json:"unsigned"`
	// Listed are tasks of whole graphs that have a status and change no verdict;
	// they count neither as verified nor as untrusted or undetermined.
	Listed   int `json:"listed,omitempty"`
	Unpinned int `json:"unpinned"`
	Findings int `json:"findings"`
}

// Joined is the report of a part.
type Joined struct {
	K          int       `json:"k"`
	TaskID     string    `json:"taskId,omitempty"`
	RunID      *int      `json:"runId,omitempty"`
	Artifact   string    `json:"artifact,omitempty"`
	File       string    `json:"file,omitempty"` // of the caller's, for which nobody vouches
	SHA256     string    `json:"sha256"`
	VerifiedAt time.Time `json:"verifiedAt"`
}
