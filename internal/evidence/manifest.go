package evidence

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// formatVersion is the version of what a bundle holds and of how it does.
const formatVersion = "cot-evidence/v1"

const (
	manifestName = "manifest.json"
	blobFolder   = "blobs/sha256/"
)

// About is what a bundle says of itself. Nothing but its own digest, vouched for
// by somebody else, makes any of it true.
type About struct {
	RecordedAt time.Time  // when the services were asked
	At         *time.Time // as of when that run judged; nil: RecordedAt
	RootURL    string
	Version    string   // of the program
	Targets    []string // what it was made for, as the caller named it
	Groups     []string // task groups, likewise
	Self       string   // id of the task that it was made in; "" for none
	Verdict    string   // that run's
	Policy     Policy   // that judged
}

// Policy is a policy's text with the files that it names. A Bundle gives no files:
// they are for people.
type Policy struct {
	Name   string
	SHA256 string // of the effective policy, as reports have it
	Files  []File
}

// File is a part of a policy. The policy itself is the one without a name.
type File struct {
	Name string
	Data []byte
}

// manifest is the first member of a bundle.
type manifest struct {
	APIVersion string         `json:"apiVersion"`
	RecordedAt time.Time      `json:"recordedAt"`
	At         *time.Time     `json:"at"`
	RootURL    string         `json:"rootUrl"`
	Version    string         `json:"version"`
	Targets    []string       `json:"targets"`
	Groups     []string       `json:"groups"`
	Self       string         `json:"self,omitempty"`
	Verdict    string         `json:"verdict"`
	Policy     policyRecord   `json:"policy"`
	Answers    []answerRecord `json:"answers"`
}

type policyRecord struct {
	Name   string       `json:"name"`
	SHA256 string       `json:"sha256"`
	Files  []fileRecord `json:"files"`
}

type fileRecord struct {
	Name string `json:"name"`
	Blob digest `json:"blob"`
}

// answerRecord has either a blob or why there is none.
type answerRecord struct {
	Question    question `json:"question"`
	Blob        digest   `json:"blob,omitzero"`
	Unavailable *refusal `json:"unavailable,omitempty"`
}

func (m *manifest) about() About {
	return About{
		RecordedAt: m.RecordedAt, At: m.At, RootURL: m.RootURL, Version: m.Version, Targets: m.Targets, Groups: m.Groups,
		Self: m.Self, Verdict: m.Verdict, Policy: Policy{Name: m.Policy.Name, SHA256: m.Policy.SHA256},
	}
}

// parseManifest refuses whatever write would not have written.
func parseManifest(data []byte) (*manifest, error) {
	m, err := decode[manifest](data)
	if err != nil {
		return nil, err
	}
	switch {
	case m.APIVersion != formatVersion:
		return nil, fmt.Errorf("apiVersion is %.40q, want %q: it is of another version of this program", m.APIVersion, formatVersion)
	case m.RecordedAt.IsZero() || m.RootURL == "":
		return nil, errors.New("recordedAt or rootUrl is missing")
	}
	if err := new(digest).UnmarshalText([]byte(m.Policy.SHA256)); err != nil {
		return nil, fmt.Errorf("/policy/sha256: %w", err)
	}
	for i, a := range m.Answers {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("/answers/%d: %w", i, err)
		}
		if i > 0 && m.Answers[i-1].Question.compare(a.Question) >= 0 {
			return nil, fmt.Errorf("/answers/%d: question %s is out of order, or stands twice", i, a.Question)
		}
	}
	return &m, nil
}

func (a answerRecord) check() error {
	if err := a.Question.check(); err != nil {
		return err
	}
	if (a.Blob == digest{}) == (a.Unavailable == nil) {
		return errors.New("want either a blob or why there is none")
	}
	return nil
}

// wanted gives the digests that the manifest names, each once, in order.
func (m *manifest) wanted() []digest {
	var out []digest
	for _, f := range m.Policy.Files {
		out = append(out, f.Blob)
	}
	for _, a := range m.Answers {
		if a.Unavailable == nil {
			out = append(out, a.Blob)
		}
	}
	slices.SortFunc(out, func(a, b digest) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(out)
}
