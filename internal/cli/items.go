package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/trace"
)

// items expands inputs into single artifacts and looks up what the report
// vouches for each of them. What is missing becomes a finding of the report;
// with a report that is not good, nothing is looked up.
func (r *downloadRun) items(ctx context.Context, rep *trace.Report, found []located) ([]inputs.Item, []trace.VerifiedArtifact) {
	if !rep.Verdict.OK() {
		return nil, nil
	}
	var all []inputs.Item
	var findings []trace.Finding
	for _, l := range found {
		var names []string
		if l.IsArtifact() && l.Names.IsGlob() {
			names = rep.Names(l.run)
		}
		items, err := l.Expand(l.run, names)
		switch {
		case err != nil:
			findings = append(findings, trace.Finding{Rule: trace.RuleArtifactNotWritten, Severity: trace.SeverityError, Message: err.Error()})
		case len(items) == 0:
			findings = append(findings, noMatch(l))
		}
		all = append(all, items...)
	}
	all = inputs.Distinct(all)
	var kept []inputs.Item
	var artifacts []trace.VerifiedArtifact
	for _, it := range all {
		a, f := r.vouched(ctx, rep, it)
		if f != nil {
			findings = append(findings, *f)
			continue
		}
		kept, artifacts = append(kept, it), append(artifacts, a)
	}
	for _, f := range findings {
		rep.AddFinding(f)
	}
	if len(findings) > 0 {
		rep.Conclude()
	}
	return kept, artifacts
}

func noMatch(l located) trace.Finding {
	f := trace.Finding{
		Rule: trace.RuleArtifactNotInCot, Severity: trace.SeverityError, Want: l.Names.String(),
		Message: fmt.Sprintf("%s: no artifact in the signed document of %s matches", l.Source, l.run),
	}
	if l.Optional {
		f.Severity = trace.SeverityWarning
	}
	return f
}

// vouched gives what the report vouches for an item, or why it doesn't.
func (r *downloadRun) vouched(ctx context.Context, rep *trace.Report, it inputs.Item) (trace.VerifiedArtifact, *trace.Finding) {
	if !it.IsArtifact() {
		return trace.VerifiedArtifact{}, nil
	}
	a, f := rep.Verified(it.Run, it.Name)
	if f != nil {
		g := *f
		g.Message = it.Source + ": " + g.Message
		if g.Got == string(graph.Error) {
			g = r.workerFailure(ctx, it, g)
		}
		absent := g.Rule == trace.RuleArtifactNotInCot || g.Rule == trace.RuleArtifactUnavailable
		if it.Optional && absent && !g.Heals {
			g.Severity = trace.SeverityWarning
		}
		return a, &g
	}
	if it.SHA256 != "" && sha256Of(a) != it.SHA256 {
		return a, &trace.Finding{
			Rule: trace.RuleArtifactHash, Severity: trace.SeverityError, Want: it.SHA256, Got: sha256Of(a),
			Message: fmt.Sprintf("%s: the signed document of %s has another sha256 for %s than the mount demands", it.Source, it.Run, it.Name),
			Hint:    "correct the sha256 in the mount, or name the task that it is of",
		}
	}
	return a, nil
}

// workerFailure adds to a finding about an artifact that a worker failed to make
// what the worker said of it: a listing has only that it failed.
func (r *downloadRun) workerFailure(ctx context.Context, it inputs.Item, f trace.Finding) trace.Finding {
	stream, err := r.deployment.queue.Content(it.Run, it.Name).Open(ctx)
	if err == nil { // it is there after all, but was not when it was listed
		_ = stream.Body.Close()
	}
	var u *graph.UnavailableError
	if errors.As(err, &u) && u.Reason == graph.WorkerFailed {
		return failure(f.Rule, it.Source, err)
	}
	return f
}

func sha256Of(a trace.VerifiedArtifact) string {
	for _, d := range a.Digests() {
		if d.Algorithm() == "sha256" {
			return d.Hex()
		}
	}
	return ""
}

// downloadItem is an item as internal/download takes it.
func downloadItem(it inputs.Item, a trace.VerifiedArtifact) (download.Item, error) {
	out := download.Item{Artifact: a, Path: it.Path}
	var err error
	if out.Extract, err = extractOf(it.Place); err != nil {
		return out, err
	}
	switch it.Place.Unpack {
	case inputs.Auto:
		out.ExtractTo = path.Dir(it.Path)
	case inputs.Extract:
		out.Path, out.ExtractTo = "", it.Path
	}
	switch {
	case it.Literal != nil:
		out.Literal = &download.Literal{Bytes: it.Literal}
	case it.URL != "":
		out.Pinned = &download.Pinned{URL: it.URL}
		if sum, err := hex.DecodeString(it.SHA256); err != nil || copy(out.Pinned.SHA256[:], sum) != len(out.Pinned.SHA256) {
			return out, fmt.Errorf("sha256 %q: want 64 hex digits", it.SHA256)
		}
	}
	return out, nil
}

// failure is a finding for something that could not be had or put in place.
func failure(rule trace.Rule, what string, err error) trace.Finding {
	f := trace.Finding{Rule: rule, Severity: trace.SeverityError, Message: what + ": " + err.Error()}
	var u *graph.UnavailableError
	var mismatch *download.MismatchError
	var disk *download.DiskError
	var name *download.NameError
	var occupied *download.OccupiedError
	var member *download.MemberError
	var limit *download.LimitError
	var unpack *download.UnpackError
	var collision *download.CollisionError
	switch {
	case errors.As(err, &mismatch):
		f.Rule = trace.RuleArtifactHash
		f.Message = what + ": " + faultText(mismatch.Fault)
		f.Want, f.Got = mismatch.Algorithm+" "+mismatch.Want, mismatch.First
		switch mismatch.Fault {
		case download.Transport:
			f.Got = []string{mismatch.First, mismatch.Second}
		case download.Untold:
			if errors.As(err, &u) {
				f.Message += fmt.Sprintf("; the second fetch, past the CDN: %s (%s)", u.Reason, u.Detail)
			}
		case download.Disk:
			f.Hint = "the file was changed, or is another one: fetch it again without --check-only"
		}
	case errors.As(err, &u):
		f.Message = what + ": " + string(u.Reason)
		if u.Detail != "" {
			f.Message += " (" + u.Detail + ")"
		}
		f.Heals, f.Hint = u.Reason.Heals(), u.Hint
	case errors.As(err, &disk) && errors.Is(err, fs.ErrNotExist):
		f.Rule, f.Message, f.Hint = trace.RuleArtifactNotWritten, what+": it is not on disk", "fetch it without --check-only"
	case errors.As(err, &disk):
		f.Rule, f.Hint = trace.RuleArtifactNotWritten, "the artifact is verified but can't be put there: free space, check permissions, or choose another --dest"
	case errors.As(err, &limit):
		f.Rule, f.Hint = trace.RuleArtifactNotWritten, "--max-artifact-size raises the limit for an artifact; those for what an archive holds are fixed"
	case errors.As(err, &unpack) && unpack.Err == nil:
		f.Rule, f.Hint = trace.RuleArtifactNotWritten, "fetch it again without --check-only"
	case errors.As(err, &name), errors.As(err, &occupied), errors.As(err, &collision):
		f.Rule = trace.RuleArtifactNotWritten
	case errors.As(err, &member), errors.As(err, &unpack):
		f.Rule, f.Hint = trace.RuleArtifactNotWritten, "the artifact is verified but can't be unpacked: correct the format, or take it as a file"
	}
	return f
}

// faultText says which side holds the wrong bytes.
func faultText(f download.Fault) string {
	switch f {
	case download.Storage:
		return "storage holds the wrong bytes"
	case download.Transport:
		return "transport delivers differing bytes"
	case download.Untold:
		return "wrong bytes came, and a second fetch that would tell from where failed"
	}
	return "the file on disk has other bytes"
}
