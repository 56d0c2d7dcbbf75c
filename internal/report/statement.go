package report

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	svr "github.com/in-toto/attestation/go/predicates/svr/v01"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mozilla-releng/cot/trace"
)

// What statements say of themselves.
const (
	VSAType = "https://slsa.dev/verification_summary/v1"
	SVRType = "https://in-toto.io/attestation/svr/v0.1"

	// verifierID names who verified: this program, by the rules of this version.
	verifierID = "https://github.com/mozilla-releng/cot/v1"
	// levelTree is the one thing that is claimed: the chain of trust leads to a
	// trusted tree and every rule holds. It is no level of SLSA.
	levelTree = "COT_TREE"
	// extension is a member of the predicate with what the report says besides,
	// so that nobody has to take a result for more than it is.
	extension = "https://github.com/mozilla-releng/cot/report"
)

// maxSubjects bounds a statement.
const maxSubjects = 100_000

// UnattestableError says why no statement can be made of a report.
type UnattestableError struct{ Reason string }

func (e *UnattestableError) Error() string { return "nothing to attest: " + e.Reason }

// VSA writes a SLSA Verification Summary Attestation on the report as an unsigned
// in-toto statement. It has passed only if the verdict is verified: whatever was
// accepted, or checked in part, has failed.
func VSA(w io.Writer, r *trace.Report) error {
	subjects, err := subjectsOf(r)
	if err != nil {
		return err
	}
	predicate := &vsa.VerificationSummary{
		Verifier:           &vsa.VerificationSummary_Verifier{Id: verifierID},
		TimeVerified:       timestamppb.New(timeVerified(r)),
		ResourceUri:        resource(r, subjects),
		Policy:             &vsa.VerificationSummary_Policy{Uri: policyURI(r), Digest: map[string]string{"sha256": r.Policy.SHA256}},
		VerificationResult: "FAILED",
		VerifiedLevels:     []string{"FAILED"},
	}
	if passed(r) {
		predicate.VerificationResult, predicate.VerifiedLevels = "PASSED", []string{levelTree}
	}
	for _, d := range documents(r) {
		predicate.InputAttestations = append(predicate.InputAttestations,
			&vsa.VerificationSummary_InputAttestation{Uri: d.GetUri(), Digest: d.GetDigest()})
	}
	return writeStatement(w, r, VSAType, subjects, predicate, nil)
}

// SVR writes in-toto's Simple Verification Result on the report as an unsigned
// statement. It names a property only if the verdict is verified.
func SVR(w io.Writer, r *trace.Report) error {
	subjects, err := subjectsOf(r)
	if err != nil {
		return err
	}
	policy, err := anypb.New(&intoto.ResourceDescriptor{Uri: policyURI(r), Digest: map[string]string{"sha256": r.Policy.SHA256}})
	if err != nil {
		return err
	}
	properties := []any{}
	if passed(r) {
		properties = append(properties, levelTree)
	}
	predicate := &svr.SimpleVerificationResult{
		Verifier:    &svr.SimpleVerificationResult_Verifier{Id: verifierID, Policy: policy},
		TimeCreated: timestamppb.New(timeVerified(r)),
	}
	// Required, also where it is empty.
	return writeStatement(w, r, SVRType, subjects, predicate, map[string]any{"properties": properties})
}

// timeVerified is as of when what the report says was found: of one that was joined
// from others, when the oldest of them was made.
func timeVerified(r *trace.Report) time.Time {
	at := r.VerifiedAt
	for _, j := range r.Joins {
		if j.VerifiedAt.Before(at) {
			at = j.VerifiedAt
		}
	}
	return at
}

// passed tells whether all of the chain holds, as of now, and nothing had to be
// accepted.
func passed(r *trace.Report) bool {
	return r.Verdict == trace.Verified && r.Scope == trace.ScopeTree && len(r.Accepted) == 0
}

// subjectsOf gives what a statement is about: the artifacts that the targets'
// documents vouch for, and those that were asked for.
func subjectsOf(r *trace.Report) ([]*intoto.ResourceDescriptor, error) {
	if r.Shard != nil {
		return nil, &UnattestableError{"the report is about " + r.Shard.String() + ", and a statement would be taken for one about all: cot-verify-graph merge makes it"}
	}
	if r.At != nil {
		return nil, &UnattestableError{"the report judges as of " + r.At.UTC().Format(time.RFC3339) + ", and a statement would be taken for one about now"}
	}
	if without := Distrusted(r); without != "" {
		return nil, &UnattestableError{without + ", and a statement would say that all does"}
	}
	if r.Unvouched() {
		return nil, &UnattestableError{"nobody vouches for the evidence"}
	}
	var out []*intoto.ResourceDescriptor
	seen := map[string]bool{}
	for a := range candidates(r) {
		uri := artifactURL(r, a.TaskID, a.RunID, a.Name)
		digest := map[string]string{}
		if a.SHA256 != "" {
			digest["sha256"] = a.SHA256
		}
		if a.SHA512 != "" {
			digest["sha512"] = a.SHA512
		}
		if len(digest) == 0 || seen[uri] {
			continue
		}
		if len(out) == maxSubjects {
			return nil, &UnattestableError{fmt.Sprintf("the targets have more than %d artifacts: name fewer of them", maxSubjects)}
		}
		seen[uri] = true
		out = append(out, &intoto.ResourceDescriptor{
			Name: fmt.Sprintf("%s/%d:%s", a.TaskID, a.RunID, a.Name), Uri: uri, Digest: digest,
		})
	}
	if len(out) == 0 {
		return nil, &UnattestableError{"no document that holds names an artifact of the targets with its digest"}
	}
	return out, nil
}

func candidates(r *trace.Report) iter.Seq[trace.Artifact] {
	return func(yield func(trace.Artifact) bool) {
		for a := range r.Vouched() {
			if !yield(a) {
				return
			}
		}
		for _, a := range r.Artifacts {
			if a.Verdict.OK() && !yield(a) {
				return
			}
		}
	}
}

// documents are the attestations that were used: the chain of trust documents.
// The specification wants all of them or none, each with its digest.
func documents(r *trace.Report) []*intoto.ResourceDescriptor {
	var out []*intoto.ResourceDescriptor
	for i := range r.Tasks {
		t := &r.Tasks[i]
		switch {
		case t.Signer != nil && t.Signer.Method == "none", t.Status != "judged" && t.DocumentSHA256 == "":
			// Nobody signed it, or it has none: that is no attestation.
		case t.DocumentSHA256 == "", t.RunID == nil, t.Signer == nil, t.Signer.Method == "pgp":
			return nil // its digest, or what it is of, is not known
		default:
			out = append(out, &intoto.ResourceDescriptor{
				Uri:    artifactURL(r, t.TaskID, *t.RunID, "public/chain-of-trust.json"),
				Digest: map[string]string{"sha256": t.DocumentSHA256},
			})
		}
	}
	return out
}

// resource names what the subjects have in common: an artifact, a run, a task
// group, or the deployment. Each subject has the URI of its own artifact.
func resource(r *trace.Report, subjects []*intoto.ResourceDescriptor) string {
	if len(subjects) == 1 {
		return subjects[0].GetUri()
	}
	runs, groups := map[string]bool{}, map[string]bool{}
	group := map[string]string{}
	for i := range r.Tasks {
		group[runKey(r.Tasks[i].TaskID, r.Tasks[i].RunID)] = r.Tasks[i].Group
	}
	last := ""
	for _, s := range subjects {
		run, _, _ := strings.Cut(s.GetName(), ":")
		runs[run], last = true, run
		groups[group[run]] = true
	}
	switch {
	case len(runs) == 1:
		task, run, _ := strings.Cut(last, "/")
		return r.RootURL + "/tasks/" + url.PathEscape(task) + "/runs/" + url.PathEscape(run)
	case len(groups) == 1 && group[last] != "":
		return r.RootURL + "/tasks/groups/" + url.PathEscape(group[last])
	}
	return r.RootURL
}

// artifactURL is the artifact's own address at the deployment's queue.
func artifactURL(r *trace.Report, task string, run int, name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		if p == "." || p == ".." || p == "" && i > 0 {
			parts = []string{name} // readers would shorten it to another name
			break
		}
	}
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return fmt.Sprintf("%s/api/queue/v1/task/%s/runs/%d/artifacts/%s", r.RootURL, url.PathEscape(task), run, strings.Join(parts, "/"))
}

func policyURI(r *trace.Report) string {
	return verifierID + "/policy/" + url.PathEscape(cmp.Or(r.Policy.Name, "unnamed"))
}

// writeStatement writes the statement. Members that the predicate's own type
// lacks are in extra.
func writeStatement(w io.Writer, r *trace.Report, kind string, subjects []*intoto.ResourceDescriptor, predicate proto.Message, extra map[string]any) error {
	text, err := protojson.Marshal(predicate)
	if err != nil {
		return err
	}
	members := &structpb.Struct{}
	if err := protojson.Unmarshal(text, members); err != nil {
		return err
	}
	about, err := structpb.NewValue(aboutReport(r))
	if err != nil {
		return err
	}
	members.Fields[extension] = about
	for name, v := range extra {
		if members.Fields[name], err = structpb.NewValue(v); err != nil {
			return err
		}
	}
	s := &intoto.Statement{Type: intoto.StatementTypeUri, Subject: subjects, PredicateType: kind, Predicate: members}
	if err := s.Validate(); err != nil {
		return fmt.Errorf("the statement is not valid: %w", err)
	}
	if text, err = protojson.Marshal(s); err != nil {
		return err
	}
	// The library's layout varies on purpose; this does not.
	v := jsontext.Value(text)
	if err := v.Canonicalize(); err != nil {
		return err
	}
	if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err = w.Write(append(CleanJSON(v), '\n'))
	return err
}

// aboutReport is what a reader must be able to see of the report beside the
// result.
func aboutReport(r *trace.Report) map[string]any {
	list := func(in []string) []any {
		out := []any{}
		for _, s := range in {
			out = append(out, Clean(s))
		}
		return out
	}
	made := trees(r)
	if len(made) > maxTrees {
		made = append(made[:maxTrees:maxTrees], fmt.Sprintf("and %d more", len(made)-maxTrees))
	}
	about := map[string]any{
		"verdict": cmp.Or(string(r.Verdict), "not checked"), "scope": string(r.Scope), "evidence": r.Evidence, "rootUrl": r.RootURL,
		"policy": Clean(r.Policy.Name), "relaxed": list(r.Policy.Relaxed), "accepted": list(slices.Clone(r.Accepted)),
		"trees": list(made), "tasks": len(r.Tasks), "unpinned": r.Summary.Unpinned, "unsigned": r.Summary.Unsigned,
		"notes": list(r.Notes),
	}
	if b := r.Bundle; b != nil {
		about["bundle"] = map[string]any{"sha256": Clean(b.SHA256), "recordedAt": b.RecordedAt.UTC().Format(time.RFC3339), "vouchedBy": b.VouchedBy}
	}
	return about
}

const maxTrees = 100
