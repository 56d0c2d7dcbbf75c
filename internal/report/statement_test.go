package report

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	svr "github.com/in-toto/attestation/go/predicates/svr/v01"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/mozilla-releng/cot/trace"
)

// attestable is good with the digests of all documents.
func attestable(edit ...func(*trace.Report)) *trace.Report {
	r := good()
	for i := range r.Tasks {
		r.Tasks[i].DocumentSHA256 = strings.Repeat("ab", 32)
	}
	for _, e := range edit {
		e(r)
	}
	return r
}

// statementOf writes a statement and reads it with the library: the statement
// strictly, the predicate but for extensions.
func statementOf(t *testing.T, write func(io.Writer, *trace.Report) error, r *trace.Report, predicate proto.Message) (*intoto.Statement, map[string]any) {
	t.Helper()
	var a, b bytes.Buffer
	if err := errors.Join(write(&a, r), write(&b, r)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same report is written in two ways")
	}
	s := &intoto.Statement{}
	if err := protojson.Unmarshal(a.Bytes(), s); err != nil {
		t.Fatalf("%v\n%s", err, a.String())
	}
	if err := s.Validate(); err != nil {
		t.Errorf("the library finds the statement wrong: %v", err)
	}
	members, err := protojson.Marshal(s.GetPredicate())
	if err != nil {
		t.Fatal(err)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(members, predicate); err != nil {
		t.Errorf("the library finds the predicate wrong: %v\n%s", err, members)
	}
	return s, s.GetPredicate().AsMap()
}

// A merged report is as old as the oldest of its parts: merge may be run again long
// after them, and does not look at their tasks' signers again.
func TestStatementsOfMergedReportsAreAsOldAsTheirParts(t *testing.T) {
	for days, want := range map[int]time.Time{0: good().VerifiedAt, 30: good().VerifiedAt.AddDate(0, 0, -30)} {
		r := attestable(func(r *trace.Report) {
			r.Joins = []trace.Joined{
				{K: 1, File: "1", VerifiedAt: r.VerifiedAt},
				{K: 2, File: "2", VerifiedAt: r.VerifiedAt.AddDate(0, 0, -days)},
				{K: 3, File: "3", VerifiedAt: r.VerifiedAt.Add(time.Minute)},
			}
		})
		p, q := &vsa.VerificationSummary{}, &svr.SimpleVerificationResult{}
		statementOf(t, VSA, r, p)
		statementOf(t, SVR, r, q)
		if a, b := p.GetTimeVerified().AsTime(), q.GetTimeCreated().AsTime(); !a.Equal(want) || !b.Equal(want) {
			t.Errorf("%d days: verified at %s and %s, want %s", days, a, b, want)
		}
	}
}

func TestVSAOfAVerifiedReport(t *testing.T) {
	p := &vsa.VerificationSummary{}
	s, plain := statementOf(t, VSA, attestable(), p)
	uri := "https://tc.example.com/api/queue/v1/task/" + buildID + "/runs/0/artifacts/public/build/target.tar.gz"
	if s.GetType() != "https://in-toto.io/Statement/v1" || s.GetPredicateType() != "https://slsa.dev/verification_summary/v1" {
		t.Errorf("types %s, %s", s.GetType(), s.GetPredicateType())
	}
	if len(s.GetSubject()) != 1 || s.GetSubject()[0].GetUri() != uri || s.GetSubject()[0].GetName() != buildID+"/0:public/build/target.tar.gz" ||
		!reflect.DeepEqual(s.GetSubject()[0].GetDigest(), map[string]string{"sha256": hex64}) {
		t.Errorf("subjects %v", s.GetSubject())
	}
	want := &vsa.VerificationSummary{
		Verifier:     &vsa.VerificationSummary_Verifier{Id: "https://github.com/mozilla-releng/cot/v1"},
		TimeVerified: p.GetTimeVerified(), ResourceUri: uri,
		Policy: &vsa.VerificationSummary_Policy{
			Uri: "https://github.com/mozilla-releng/cot/v1/policy/firefox-ci", Digest: map[string]string{"sha256": hex64},
		},
		InputAttestations: []*vsa.VerificationSummary_InputAttestation{
			{
				Uri:    "https://tc.example.com/api/queue/v1/task/" + buildID + "/runs/0/artifacts/public/chain-of-trust.json",
				Digest: map[string]string{"sha256": strings.Repeat("ab", 32)},
			},
			{
				Uri:    "https://tc.example.com/api/queue/v1/task/" + decisionID + "/runs/1/artifacts/public/chain-of-trust.json",
				Digest: map[string]string{"sha256": strings.Repeat("ab", 32)},
			},
		},
		VerificationResult: "PASSED", VerifiedLevels: []string{"COT_TREE"},
	}
	if !proto.Equal(p, want) {
		t.Errorf("the predicate is\n%v, want\n%v", p, want)
	}
	if at := p.GetTimeVerified().AsTime(); !at.Equal(good().VerifiedAt) {
		t.Errorf("verified at %s", at)
	}
	about, _ := plain[extension].(map[string]any)
	if about["verdict"] != "verified" || about["scope"] != "tree" || about["evidence"] != "live" || len(about["relaxed"].([]any)) != 0 {
		t.Errorf("the extension is %v", about)
	}
	if _, ok := plain["dependencyLevels"]; ok {
		t.Error("something is claimed of the dependencies")
	}
}

func TestSVROfAVerifiedReport(t *testing.T) {
	p := &svr.SimpleVerificationResult{}
	s, plain := statementOf(t, SVR, attestable(), p)
	if s.GetPredicateType() != "https://in-toto.io/attestation/svr/v0.1" || len(s.GetSubject()) != 1 {
		t.Errorf("the statement is %v", s)
	}
	if !reflect.DeepEqual(p.GetProperties(), []string{"COT_TREE"}) || p.GetVerifier().GetId() != verifierID ||
		!p.GetTimeCreated().AsTime().Equal(good().VerifiedAt) {
		t.Errorf("the predicate is %v", p)
	}
	policy := &intoto.ResourceDescriptor{}
	if err := p.GetVerifier().GetPolicy().UnmarshalTo(policy); err != nil || policy.GetDigest()["sha256"] != hex64 {
		t.Errorf("the policy is %v: %v", policy, err)
	}
	if plain[extension] == nil {
		t.Error("what the report says besides is missing")
	}
}

// Only "verified" passes; each of these differs from it in one thing.
func TestStatementsClaimNoMoreThanTheReport(t *testing.T) {
	for name, edit := range map[string]func(*trace.Report){
		"signed":         func(r *trace.Report) { r.Verdict, r.Scope = trace.Signed, trace.ScopeSignature },
		"scope alone":    func(r *trace.Report) { r.Scope = trace.ScopeSignature },
		"accepted":       func(r *trace.Report) { r.Verdict = trace.Accepted },
		"accepted flags": func(r *trace.Report) { r.Accepted = []string{"--accept-untrusted-tree"} },
		"undetermined":   func(r *trace.Report) { r.Verdict = trace.Undetermined },
		"untrusted":      func(r *trace.Report) { r.Verdict = trace.Untrusted },
		"not checked":    func(r *trace.Report) { r.Verdict = "" },
	} {
		r := attestable(edit)
		v := &vsa.VerificationSummary{}
		_, plain := statementOf(t, VSA, r, v)
		if v.GetVerificationResult() != "FAILED" || !reflect.DeepEqual(v.GetVerifiedLevels(), []string{"FAILED"}) {
			t.Errorf("%s: the VSA has %s, %v", name, v.GetVerificationResult(), v.GetVerifiedLevels())
		}
		if about, _ := plain[extension].(map[string]any); about["verdict"] == "verified" && r.Verdict != trace.Verified {
			t.Errorf("%s: the VSA says %v", name, about)
		}
		s := &svr.SimpleVerificationResult{}
		_, plain = statementOf(t, SVR, r, s)
		if list, ok := plain["properties"].([]any); !ok || len(list) != 0 {
			t.Errorf("%s: the SVR has properties %v, want an empty list", name, plain["properties"])
		}
	}
}

func TestStatementsShowWhatIsRelaxed(t *testing.T) {
	r := accepting()
	_, plain := statementOf(t, VSA, r, &vsa.VerificationSummary{})
	about := plain[extension].(map[string]any)
	if !reflect.DeepEqual(about["relaxed"], []any{"signers.keys[0].workerPools"}) || !reflect.DeepEqual(about["accepted"], []any{"--accept-untrusted-tree"}) {
		t.Errorf("the extension is %v", about)
	}
}

// The specification wants all attestations that were used, or none.
func TestVSAListsAllDocumentsOrNone(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*trace.Task)
		want int
	}{
		"all":                  {func(*trace.Task) {}, 2},
		"one without a digest": {func(t *trace.Task) { t.DocumentSHA256 = "" }, 0},
		"a clear-signed one":   {func(t *trace.Task) { t.Signer = &trace.Signer{Method: "pgp"} }, 0},
		"one that nobody signed": {func(t *trace.Task) {
			t.Signer = &trace.Signer{Method: "none"}
		}, 1},
		"a task that is listed": {func(t *trace.Task) { t.Status, t.DocumentSHA256 = "unsigned", "" }, 1},
	} {
		p := &vsa.VerificationSummary{}
		statementOf(t, VSA, attestable(func(r *trace.Report) { c.edit(&r.Tasks[1]) }), p)
		if n := len(p.GetInputAttestations()); n != c.want {
			t.Errorf("%s: %d documents, want %d", name, n, c.want)
		}
	}
}

func TestNothingToAttest(t *testing.T) {
	bad := func(a *trace.Artifact) { a.Verdict = trace.Untrusted }
	for name, edit := range map[string]func(*trace.Report){
		"no artifacts":        func(r *trace.Report) { r.Artifacts = nil },
		"no digest":           func(r *trace.Report) { r.Artifacts[0].SHA256 = "" },
		"an artifact refused": func(r *trace.Report) { bad(&r.Artifacts[0]) },
		"as of another time":  func(r *trace.Report) { r.At = ptr(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)) },
		"something would not verify": func(r *trace.Report) {
			r.Distrusted = &trace.Distrusted{IDs: []string{hex64}, Tasks: []trace.DistrustedTask{{TaskID: buildID, RunID: ptr(0), IDs: []string{hex64}}}}
		},
		"too many": func(r *trace.Report) {
			a := r.Artifacts[0]
			for i := range maxSubjects {
				a.RunID = i + 1
				r.Artifacts = append(r.Artifacts, a)
			}
		},
	} {
		for kind, write := range map[string]func(io.Writer, *trace.Report) error{"VSA": VSA, "SVR": SVR} {
			var b bytes.Buffer
			var none *UnattestableError
			if err := write(&b, attestable(edit)); !errors.As(err, &none) || b.Len() > 0 {
				t.Errorf("%s: a %s of %d bytes was written: %v", name, kind, b.Len(), err)
			}
		}
	}
}

// What is distrusted and signed nothing here makes no difference to a statement.
func TestStatementWhereNothingRestsOnWhatIsDistrusted(t *testing.T) {
	r := attestable()
	r.Distrusted = &trace.Distrusted{IDs: []string{hex64}, Unused: []string{hex64}, Tasks: []trace.DistrustedTask{}}
	p := &vsa.VerificationSummary{}
	if statementOf(t, VSA, r, p); p.GetVerificationResult() != "PASSED" {
		t.Errorf("the predicate is %v", p)
	}
}

func TestResourceOfSeveralSubjects(t *testing.T) {
	more := func(task string, run int) func(*trace.Report) {
		return func(r *trace.Report) {
			a := r.Artifacts[0]
			a.Name, a.TaskID, a.RunID = "public/other.zip", task, run
			r.Artifacts = append(r.Artifacts, a)
		}
	}
	group := func(r *trace.Report) { r.Tasks[0].Group, r.Tasks[1].Group = decisionID, decisionID }
	for want, edits := range map[string][]func(*trace.Report){
		"https://tc.example.com/tasks/" + buildID + "/runs/0": {more(buildID, 0)},
		"https://tc.example.com/tasks/groups/" + decisionID:   {group, more(decisionID, 1)},
		"https://tc.example.com":                              {more(decisionID, 1)},
	} {
		p := &vsa.VerificationSummary{}
		statementOf(t, VSA, attestable(edits...), p)
		if p.GetResourceUri() != want {
			t.Errorf("the resource is %s, want %s", p.GetResourceUri(), want)
		}
	}
}

func TestStatementsOfHostileNames(t *testing.T) {
	for name, want := range map[string]string{
		"public/a b?c#d%2e\u202e\"": "public/a%20b%3Fc%23d%252e%E2%80%AE%22",
		"public/../../x":            "public%2F..%2F..%2Fx",
		"public//x":                 "public%2F%2Fx",
		"public/x":                  "public/x",
	} {
		r := attestable(func(r *trace.Report) { r.Artifacts[0].Name = name })
		s, _ := statementOf(t, VSA, r, &vsa.VerificationSummary{})
		if got := s.GetSubject()[0].GetUri(); !strings.HasSuffix(got, "/artifacts/"+want) {
			t.Errorf("%q is at %s", name, got)
		}
		if got := s.GetSubject()[0].GetName(); got != buildID+"/0:"+name {
			t.Errorf("%q is named %q", name, got)
		}
	}
	var b bytes.Buffer
	if err := VSA(&b, attestable(func(r *trace.Report) { r.Artifacts[0].Name = "bad\xff" })); err == nil || b.Len() > 0 {
		t.Error("a name that is no text was attested")
	}
}
