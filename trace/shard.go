package trace

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/mozilla-releng/cot/graph"
)

// MaxShards bounds into how many parts a verification is divided.
const MaxShards = 1000

// Part is one of N parts of the tasks of groups, K from 1.
type Part struct {
	K int `json:"k"`
	N int `json:"n"`
}

// What Shard.Compared says.
const (
	ComparedInputs = "inputs" // what tasks took from others
	ComparedAll    = "all"    // also what they made
)

// Check refuses what is no part.
func (p Part) Check() error {
	if p.N < 1 || p.N > MaxShards || p.K < 1 || p.K > p.N {
		return fmt.Errorf("%d/%d: want K/N, with K from 1 to N and N at most %d", p.K, p.N, MaxShards)
	}
	return nil
}

func (p Part) String() string { return fmt.Sprintf("part %d of %d", p.K, p.N) }

// Has tells whether a task is of the part: that is 1 more than the remainder by N
// of the first eight bytes of the SHA-256 of its id, big-endian.
func (p Part) Has(id graph.TaskID) bool { return partOf(id, p.N) == p.K }

func partOf(id graph.TaskID, n int) int {
	sum := sha256.Sum256([]byte(id.String()))
	return int(binary.BigEndian.Uint64(sum[:8])%uint64(n)) + 1 //nolint:gosec // n is positive and small
}

// Shard says which part of its groups a report is about, and has what a report on
// all of them is joined from.
type Shard struct {
	Part
	// List is the SHA-256 of what the groups were listed as: for each group, sorted,
	// a line with its id, and a line with a blank before it for each of its tasks,
	// sorted.
	List            string `json:"list"`
	RequireFinished bool   `json:"requireFinished,omitempty"`
	// Dependencies are those that were followed; empty: all.
	Dependencies Dependencies `json:"dependencies,omitempty"`
	// Compared says which artifacts were read and compared, for the caller to set:
	// ComparedInputs or ComparedAll; empty: none.
	Compared string      `json:"compared,omitempty"`
	Tasks    []string    `json:"tasks"` // of the part, sorted
	Links    []ShardLink `json:"links"` // one for each of the report's tasks
}

// ShardLink is what else is known of a task of the report.
type ShardLink struct {
	Rests     []int            `json:"rests,omitempty"`   // places in the report's tasks, that it rests on
	Derived   []int            `json:"derived,omitempty"` // places of its findings that follow from others
	Signers   []SignerUse      `json:"signers,omitempty"`
	Duplicate *Duplicate       `json:"duplicate,omitempty"`
	Artifacts []SharedArtifact `json:"artifacts,omitempty"` // of a judged task of the part
}

// SharedArtifact is an artifact that a document vouches for.
type SharedArtifact struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256,omitempty"`
	SHA512 string `json:"sha512,omitempty"`
}

// Duplicate says beside which entry of a parent's task graph a task stands, and
// how many may.
type Duplicate struct {
	Of   string `json:"of"`  // the entry's id
	Run  string `json:"run"` // of the parent, TASK_ID/RUN_ID
	Most int64  `json:"most"`
}

// listDigest is Shard.List.
func listDigest(groups []*graph.Group) string {
	groups = slices.Clone(groups)
	slices.SortFunc(groups, func(a, b *graph.Group) int { return compareIDs(a.ID, b.ID) })
	h := sha256.New()
	for _, g := range groups {
		fmt.Fprintf(h, "%s\n", g.ID)
		ids := make([]graph.TaskID, 0, len(g.Tasks))
		for _, t := range g.Tasks {
			ids = append(ids, t.ID)
		}
		slices.SortFunc(ids, compareIDs)
		for _, id := range ids {
			fmt.Fprintf(h, " %s\n", id)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// describeShard makes the report one on a part.
func (c *chain) describeShard(r *Report, links []*link) {
	w := c.whole
	part := *w.target.Shard
	r.Shard = &Shard{
		Part: part, List: listDigest(w.groups), RequireFinished: w.target.RequireFinished,
		Dependencies: c.v.followedInGroups(), Tasks: []string{}, Links: c.shardLinks(r, links),
	}
	judged := 0
	for l := range w.judged {
		if w.member[l.node.id] && w.judges(l.node.id) {
			judged++
		}
	}
	for _, t := range w.listed {
		if w.member[t.ID] && w.judges(t.ID) {
			r.Shard.Tasks = append(r.Shard.Tasks, t.ID.String())
		}
	}
	slices.Sort(r.Shard.Tasks)
	r.NothingAsked = len(r.Shard.Tasks) == 0
	r.Notes = append(r.Notes, fmt.Sprintf("this is %s of the groups, with %d of their %d tasks: what the others hold, merge tells", part, len(r.Shard.Tasks), len(w.member)))
	if judged == 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("nothing in %s is signed", part))
	}
	if w.target.RequireFinished && len(w.siblings) > 0 {
		r.Notes = append(r.Notes, "whether the other parts' tasks are finished, merge tells")
	}
}

// shardLinks gives what the JSON of a report lacks to join it with others.
func (c *chain) shardLinks(r *Report, links []*link) []ShardLink {
	out := make([]ShardLink, len(links))
	for i, l := range links {
		t := &r.Tasks[i]
		s := ShardLink{Rests: distinctInts(t.rests), Signers: signersOf(l), Duplicate: l.node.duplicate}
		for j, f := range t.Findings {
			if f.derived {
				s.Derived = append(s.Derived, j)
			}
		}
		if d := r.documents[l.ref()]; d != nil && l.hasRun && d.link == l {
			s.Artifacts = d.artifacts()
		}
		out[i] = s
	}
	return out
}

// distinctInts sorts, and keeps each once.
func distinctInts(list []int) []int {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func compareIDs(a, b graph.TaskID) int { return cmp.Compare(a.String(), b.String()) }
