package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// question is what was asked: its kind, and what it is about.
type question []string

// Kinds of questions.
const (
	askTask        = "task"         // TASK_ID: definition and status
	askGroup       = "group"        // GROUP_ID: which tasks, in what order
	askMember      = "group-task"   // GROUP_ID, TASK_ID: as that listing has it
	askIndex       = "index"        // NAMESPACE
	askListing     = "artifacts"    // TASK_ID/RUN_ID
	askArtifact    = "artifact"     // TASK_ID/RUN_ID, NAME: its content
	askPushes      = "pushes"       // REPOSITORY, REVISION
	askFile        = "file"         // REPOSITORY, REVISION, PATH
	askProjects    = "projects"     // URL
	askRepository  = "repository"   // REPOSITORY
	askCommit      = "commit"       // REPOSITORY, REVISION
	askPull        = "pull-request" // REPOSITORY, NUMBER
	askPullCommits = "pull-request-commits"
	askRelease     = "release"  // REPOSITORY, TAG
	askRef         = "ref"      // REPOSITORY, REF
	askBranches    = "branches" // REPOSITORY, PREFIX
	askContains    = "contains" // REPOSITORY, REVISION, REF
	askCRL         = "crl"      // URL
	askOCSP        = "ocsp"     // URL, SHA-256 of the request
)

// subjects is how many a question of each kind has.
var subjects = map[string]int{
	askTask: 1, askGroup: 1, askMember: 2, askIndex: 1, askListing: 1, askArtifact: 2, askPushes: 2, askFile: 3,
	askProjects: 1, askRepository: 1, askCommit: 2, askPull: 2, askPullCommits: 2, askRelease: 2, askRef: 2,
	askBranches: 2, askContains: 3, askCRL: 1, askOCSP: 2,
}

// check refuses what nobody asks.
func (q question) check() error {
	if len(q) == 0 {
		return fmt.Errorf("a question is empty")
	}
	if n, known := subjects[q[0]]; !known || len(q) != n+1 {
		return fmt.Errorf("question %s is none that is asked", q)
	}
	return nil
}

// key tells questions apart.
func (q question) key() string {
	var b strings.Builder
	for _, s := range q {
		b.WriteString(strconv.Itoa(len(s)))
		b.WriteByte(':')
		b.WriteString(s)
	}
	return b.String()
}

func (q question) compare(o question) int { return slices.Compare(q, o) }

// String is for people: foreign text in it is cut and quoted.
func (q question) String() string {
	parts := make([]string, len(q))
	for i, s := range q {
		if len(s) > 200 {
			s = s[:197] + "..."
		}
		if parts[i] = strconv.QuoteToASCII(s); parts[i] == `"`+s+`"` && !strings.Contains(s, " ") {
			parts[i] = s
		}
	}
	return strings.Join(parts, " ")
}

// notRecorded is the answer to what a bundle does not have.
func notRecorded(q question) error {
	return &graph.UnavailableError{
		What: q.String(), Reason: graph.NotRecorded, Detail: "the evidence bundle has no answer to that",
		Hint: "ask what the bundle was made for, by a policy that asks for no more, or make another bundle with --evidence",
	}
}

func tooLarge(q question, size, limit int64) error {
	return &graph.UnavailableError{
		What: q.String(), Reason: graph.TooLarge, Detail: fmt.Sprintf("%d bytes, more than the limit of %d", size, limit),
	}
}

func malformed(q question, err error) error {
	return &graph.UnavailableError{What: q.String(), Reason: graph.Malformed, Detail: err.Error()}
}
