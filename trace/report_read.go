package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// MaxReportBytes bounds a report that is read back.
const MaxReportBytes = 256 << 20

// ReadReport reads a report as the commands write it in JSON. It is strict: a
// member that no report of this version has, a name twice, a task's run twice, or
// a value that no verification gives is an error. It believes nothing of what the
// report says of itself but that it contradicts no finding; who relies on it must
// know who wrote it.
func ReadReport(data []byte) (*Report, error) {
	if len(data) > MaxReportBytes {
		return nil, fmt.Errorf("a report of %d bytes is larger than the limit of %d", len(data), MaxReportBytes)
	}
	if err := checkNesting(data); err != nil {
		return nil, err
	}
	var in struct {
		*Report
		Chain jsontext.Value `json:"chain"` // explain's, which follows from the tasks
	}
	in.Report = &Report{}
	err := json.Unmarshal(data, &in, json.RejectUnknownMembers(true), json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(readFinding), json.UnmarshalFromFunc(readAny),
	)))
	if err != nil {
		return nil, fmt.Errorf("malformed report: %w", readingError(err))
	}
	r := in.Report
	if r == nil {
		return nil, errors.New("malformed report: it is null")
	}
	if err := r.checkRead(); err != nil {
		return nil, fmt.Errorf("malformed report: %w", err)
	}
	return r, nil
}

// checkNesting reads through the JSON once, without keeping any of it.
func checkNesting(data []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		switch _, err := dec.ReadToken(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("malformed report: %w", readingError(err))
		case dec.StackDepth() > strictjson.MaxDepth:
			return fmt.Errorf("malformed report: it nests deeper than %d", strictjson.MaxDepth)
		}
	}
}

// readingError keeps what is wrong and where, and drops Go's names for it.
func readingError(err error) error {
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("duplicate name at %s", clipText(string(syntax.JSONPointer)))
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("%s is no member of a report of version %s", clipText(string(semantic.JSONPointer)), APIVersion)
	case errors.As(err, &semantic):
		return fmt.Errorf("%s is not what a report of version %s has there", clipText(string(semantic.JSONPointer)), APIVersion)
	}
	return errors.New("it is not JSON in UTF-8")
}

// readAny keeps compared values as they were written.
func readAny(dec *jsontext.Decoder, v *any) (err error) {
	*v, err = strictjson.Read(dec)
	return err
}

// readFinding drops what a report adds for readers and follows from the rule.
func readFinding(dec *jsontext.Decoder, f *Finding) error {
	type plain Finding
	var in struct {
		plain
		Cause string `json:"cause"`
		Next  string `json:"next"`
		Docs  string `json:"docs"`
	}
	if err := json.UnmarshalDecode(dec, &in); err != nil {
		return err
	}
	*f = Finding(in.plain)
	return nil
}

var (
	rulePattern   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	sha512Pattern = regexp.MustCompile(`^[0-9a-f]{128}$`)
	statuses      = []string{"judged", "unsigned", "failed", "unfinished"}
	verdicts      = []Verdict{Verified, Signed, Accepted, Undetermined, Untrusted}
)

// checkRead holds what was read to what a report can say.
func (r *Report) checkRead() error {
	switch {
	case r.APIVersion != APIVersion:
		return fmt.Errorf("version %q, want %q", clipText(r.APIVersion), APIVersion)
	case !slices.Contains(verdicts, r.Verdict):
		return fmt.Errorf("verdict %q", clipText(string(r.Verdict)))
	case r.Scope != ScopeTree && r.Scope != ScopeSignature:
		return fmt.Errorf("scope %q", clipText(string(r.Scope)))
	case r.Evidence != "live" && r.Evidence != "recorded":
		return fmt.Errorf("evidence %q", clipText(r.Evidence))
	case !sha256Pattern.MatchString(r.Policy.SHA256):
		return errors.New("/policy/sha256 is no digest")
	case r.VerifiedAt.IsZero():
		return errors.New("/verifiedAt is missing")
	case len(r.Tasks) > maxGraphTasks:
		return fmt.Errorf("%d tasks, more than %d", len(r.Tasks), maxGraphTasks)
	}
	seen := make(map[string]bool, len(r.Tasks))
	for i := range r.Tasks {
		t := &r.Tasks[i]
		at := fmt.Sprintf("/tasks/%d", i)
		if err := t.checkRead(); err != nil {
			return fmt.Errorf("%s%w", at, err)
		}
		if seen[t.ref()] {
			return fmt.Errorf("%s: %s is there twice", at, t.ref())
		}
		seen[t.ref()] = true
		if err := checkFindings(at, t.Findings); err != nil {
			return err
		}
	}
	for i, a := range r.Artifacts {
		if err := checkFindings(fmt.Sprintf("/artifacts/%d", i), a.Findings); err != nil {
			return err
		}
	}
	if err := checkFindings("", r.Findings); err != nil {
		return err
	}
	if err := r.checkAgreement(); err != nil || r.Shard == nil {
		return err
	}
	return r.restore()
}

// restore puts back what a part's report has beside what every report has.
func (r *Report) restore() error {
	s := r.Shard
	switch err := s.Check(); {
	case err != nil:
		return fmt.Errorf("/shard: %w", err)
	case !sha256Pattern.MatchString(s.List):
		return errors.New("/shard/list is no digest")
	case s.Compared != "" && s.Compared != ComparedInputs && s.Compared != ComparedAll:
		return fmt.Errorf("/shard/compared: %q", clipText(s.Compared))
	case s.Dependencies != "" && s.Dependencies != DependenciesTrust:
		return fmt.Errorf("/shard/dependencies: %q", clipText(string(s.Dependencies)))
	case len(s.Links) != len(r.Tasks):
		return fmt.Errorf("/shard/links: %d for %d tasks", len(s.Links), len(r.Tasks))
	}
	for i, id := range s.Tasks {
		if _, err := graph.ParseTaskID(id); err != nil || i > 0 && s.Tasks[i-1] >= id {
			return fmt.Errorf("/shard/tasks/%d: want task ids, sorted, each once", i)
		}
	}
	for i := range s.Links {
		if err := s.Links[i].restore(r, &r.Tasks[i]); err != nil {
			return fmt.Errorf("/shard/links/%d%w", i, err)
		}
	}
	return nil
}

// restore gives an error that begins with a place in the link.
func (s *ShardLink) restore(r *Report, t *Task) error {
	if slices.ContainsFunc(s.Rests, func(on int) bool { return on < 0 || on >= len(r.Tasks) }) {
		return errors.New("/rests: there is no such task")
	}
	t.rests = s.Rests
	for _, j := range s.Derived {
		if j < 0 || j >= len(t.Findings) {
			return errors.New("/derived: there is no such finding")
		}
		t.Findings[j].derived = true
	}
	for _, a := range s.Artifacts {
		switch {
		case graph.CheckArtifactName(a.Name) != nil, a.SHA256 == "" && a.SHA512 == "",
			a.SHA256 != "" && !sha256Pattern.MatchString(a.SHA256), a.SHA512 != "" && !sha512Pattern.MatchString(a.SHA512):
			return errors.New("/artifacts: want a name and digests")
		}
	}
	if len(s.Artifacts) > 0 && (t.RunID == nil || t.DocumentSHA256 == "" || t.Listed) {
		return errors.New("/artifacts: no document vouches for them")
	}
	if d := s.Duplicate; d != nil && d.Most < 1 {
		return errors.New("/duplicate/most: want at least 1")
	}
	return nil
}

// checkRead gives an error that begins with a place in the task.
func (t *Task) checkRead() error {
	if _, err := graph.ParseTaskID(t.TaskID); err != nil {
		return fmt.Errorf("/taskId: %w", err)
	}
	switch {
	case t.RunID != nil && (*t.RunID < 0 || *t.RunID > maxRunID):
		return fmt.Errorf("/runId: %d is not a run number", *t.RunID)
	case !slices.Contains(statuses, t.Status):
		return fmt.Errorf("/status: %q", clipText(t.Status))
	case !slices.Contains(verdicts, t.Verdict):
		return fmt.Errorf("/verdict: %q", clipText(string(t.Verdict)))
	case t.Listed && t.Verdict.OK():
		return fmt.Errorf("/listed: the task is %s", t.Verdict)
	case t.DocumentSHA256 != "" && !sha256Pattern.MatchString(t.DocumentSHA256):
		return errors.New("/documentSha256 is no digest")
	}
	for _, id := range []string{t.Parent, t.Group} {
		if _, err := graph.ParseTaskID(id); id != "" && err != nil {
			return fmt.Errorf(": parent or group: %w", err)
		}
	}
	for i, in := range t.Inputs {
		// An input that no index path leads to has no task.
		if _, err := graph.ParseTaskID(in.TaskID); in.TaskID != "" && err != nil {
			return fmt.Errorf("/inputs/%d/taskId: %w", i, err)
		}
		if in.RunID != nil && (*in.RunID < 0 || *in.RunID > maxRunID) {
			return fmt.Errorf("/inputs/%d/runId: %d is not a run number", i, *in.RunID)
		}
	}
	return nil
}

const maxRunID = 1<<16 - 1

func checkFindings(at string, list []Finding) error {
	for i, f := range list {
		switch {
		case !rulePattern.MatchString(string(f.Rule)):
			return fmt.Errorf("%s/findings/%d/rule: %q", at, i, clipText(string(f.Rule)))
		case f.Severity != SeverityError && f.Severity != SeverityWarning:
			return fmt.Errorf("%s/findings/%d/severity: %q", at, i, clipText(string(f.Severity)))
		case f.Severity == SeverityError && f.Accepted != "":
			return fmt.Errorf("%s/findings/%d: an error that was accepted", at, i)
		}
	}
	return nil
}

// checkAgreement: no verdict is better than the findings that it follows from.
func (r *Report) checkAgreement() error {
	if r.Verdict.OK() && hasErrors(r.Findings) {
		return fmt.Errorf("the verdict is %s, and there are errors", r.Verdict)
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		switch {
		case !hasErrors(t.Findings):
		case t.Listed:
			return fmt.Errorf("/tasks/%d/listed: it changes no verdict, and there are errors", i)
		case t.Verdict.OK():
			return fmt.Errorf("/tasks/%d: the verdict is %s, and there are errors", i, t.Verdict)
		case r.Verdict.OK():
			return fmt.Errorf("the verdict is %s, and there are errors at /tasks/%d", r.Verdict, i)
		}
	}
	for i, a := range r.Artifacts {
		if hasErrors(a.Findings) && (r.Verdict.OK() || a.Verdict.OK()) {
			return fmt.Errorf("the verdict is %s, and there are errors at /artifacts/%d", r.Verdict, i)
		}
	}
	return nil
}

// age words the time of a report.
func (r *Report) madeAt() string { return r.VerifiedAt.UTC().Format(time.RFC3339) }
