package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/evidence"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/policy"
)

// evidenceFlags are about evidence bundles.
type evidenceFlags struct {
	write    string // a bundle to write
	offline  string // a bundle to read
	sha256   string // of the bundle to read; empty: the caller knows none
	identity string // SPIFFE ID of who must have signed it; empty: nobody need have
}

func (f *evidenceFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.write, "evidence", "", "write all that is judged to `FILE`, a bundle that --offline reads")
	fs.StringVar(&f.offline, "offline", "", "judge the bundle `FILE`, without any network")
	fs.Func("evidence-sha256", "vouch for that bundle: it must have the SHA-256 `HEX`", func(s string) error {
		sum, err := hex.DecodeString(s)
		if err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("want 64 hex digits")
		}
		f.sha256 = hex.EncodeToString(sum)
		return nil
	})
	fs.Func("evidence-identity", "vouch for that bundle: `SPIFFE_ID` must have signed it (cot-certs sign)", func(s string) error {
		id, err := certs.ParseID(s)
		if err != nil || !strings.HasPrefix(id, "spiffe:") {
			return errors.New("want a SPIFFE ID, like spiffe://tc.example.com/auditors")
		}
		f.identity = id
		return nil
	})
}

// checkEvidence refuses what does not go together, before any work.
func (f *verifyFlags) checkEvidence() error {
	e := &f.evidence
	switch {
	case e.offline == "" && e.sha256+e.identity != "":
		return usagef("--evidence-sha256 and --evidence-identity vouch for what --offline reads")
	case e.offline != "" && e.write != "":
		return usagef("--evidence and --offline contradict each other: a bundle is written from what the services answer")
	case e.offline != "" && f.cacheDir != "":
		return usagef("--cache-dir and --offline contradict each other: a bundle has all that is looked at")
	case e.write == "":
		return nil
	}
	if err := f.checkPlace("--evidence", e.write); err != nil || f.output == "" {
		return err
	}
	bundle, err1 := realPath(e.write)
	report, err2 := realPath(f.output)
	if err1 == nil && err2 == nil && strings.EqualFold(bundle, report) {
		return usagef("--evidence and --output name one file")
	}
	return nil
}

// noRoomError is why a bundle can't be unpacked here, whatever is in it.
type noRoomError struct{ err error }

func (e *noRoomError) Error() string {
	return "it can't be unpacked into the directory for temporary files ($TMPDIR): " + e.err.Error()
}
func (e *noRoomError) Unwrap() error { return e.err }

// evidenceRun is what one verification reads from.
type evidenceRun struct {
	flags    *verifyFlags
	policy   *policy.Policy
	sources  trace.Sources
	live     *deployment        // nil: a bundle answers
	self     graph.TaskID       // the task that is or was verified in
	recorder *evidence.Recorder // nil: nothing is written
	bundle   *evidence.Bundle   // nil: the services are asked
	other    *trace.Report      // the bundle is not the one that is vouched for
	doubts   []trace.Finding    // why a signature beside the bundle does not count
	close    func()
}

// openEvidence connects to the services or, offline, opens a bundle.
func (f *verifyFlags) openEvidence(ctx context.Context, s IO, p *policy.Policy, root string, show progress) (*evidenceRun, error) {
	e := &evidenceRun{flags: f, policy: p, close: func() {}}
	if f.evidence.offline != "" {
		err := e.open(ctx, s, root)
		var room *noRoomError
		switch {
		case errors.As(err, &room): // the bundle may be what it should be
			return nil, fmt.Errorf("--offline %s: %w", f.evidence.offline, err)
		case err != nil:
			return nil, usagef("--offline %s: %w", f.evidence.offline, err)
		}
		return e, nil
	}
	var err error
	if e.self, err = runningTask(s); err != nil {
		return nil, err
	}
	d, err := f.connect(f.at.asOf(s), p, root, show)
	if err != nil {
		return nil, err
	}
	e.live, e.sources, e.close = d, d.sources, d.close
	if f.evidence.write == "" {
		return e, nil
	}
	// Answers are kept where the bundle goes: there must be room for it anyway.
	dir := filepath.Dir(f.evidence.write)
	if info, err := os.Lstat(f.evidence.write); err == nil && !info.Mode().IsRegular() {
		dir = ""
	}
	e.recorder, err = evidence.NewRecorder(evidence.RecorderConfig{Live: d.sources, Projects: p.Projects.URL, Dir: dir})
	if err != nil {
		d.close()
		return nil, usagef("--evidence: %w", err)
	}
	e.sources = e.recorder.Sources()
	e.close = func() {
		_ = e.recorder.Close()
		d.close()
	}
	return e, nil
}

// open reads the bundle. Of one that the caller's digest is not of, nothing but
// that is looked at.
func (e *evidenceRun) open(ctx context.Context, s IO, root string) error {
	f, err := os.Open(e.flags.evidence.offline)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("it is not a file")
	}
	whole := sha256.New()
	if _, err := io.Copy(whole, interruptible{ctx, f}); err != nil {
		return err
	}
	sum := hex.EncodeToString(whole.Sum(nil))
	if want := e.flags.evidence.sha256; want != "" && want != sum {
		e.other = e.refusal(s, root)
		e.other.FromBundle(trace.Bundle{SHA256: sum}, trace.Finding{
			Want: "sha256 " + want, Got: "sha256 " + sum, Message: "the bundle is not the one that --evidence-sha256 vouches for",
			Hint: "find the bundle with that digest; this one is another, or was changed",
		})
		e.other.Conclude()
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b, err := evidence.Open(ctx, f, info.Size())
	var file *fs.PathError
	switch {
	case errors.As(err, &file) && file.Path != f.Name():
		return &noRoomError{err}
	case err != nil:
		return fmt.Errorf("not a bundle of evidence as --evidence writes it: %w", err)
	}
	e.bundle = b
	e.close = func() { _ = b.Close() }
	about := b.About()
	switch {
	case b.SHA256() != sum:
		err = fmt.Errorf("it changed while it was read")
	case about.RootURL != root:
		err = fmt.Errorf("it is about %s, and the policy about %s: name another with --policy or --root-url", about.RootURL, root)
	case about.Self != "":
		e.self, err = graph.ParseTaskID(about.Self)
	}
	if err != nil {
		e.close()
		return err
	}
	e.sources = b.Sources(e.policy.Projects.URL)
	if e.flags.evidence.identity != "" {
		if e.doubts, err = e.checkSignature(ctx, s.now(), f, sum); err != nil {
			e.close()
			return err
		}
	}
	if data := e.policy.Projects.Data; data != nil {
		e.sources.VCS = withProjects{e.sources.VCS, data}
	}
	return nil
}

// refusal is a report about nothing.
func (e *evidenceRun) refusal(s IO, root string) *trace.Report {
	r := &trace.Report{
		APIVersion: trace.APIVersion, Scope: trace.ScopeTree, RootURL: root, VerifiedAt: s.now().UTC(),
		Policy: trace.PolicyInfo{Name: e.policy.Name, SHA256: e.policy.SHA256, Relaxed: append([]string{}, e.policy.Relaxed...)},
		Tasks:  []trace.Task{}, Artifacts: []trace.Artifact{},
	}
	if at := e.flags.at.UTC(); !at.IsZero() {
		r.At = &at
	}
	return r
}

// targets are those that the bundle was made for.
func (e *evidenceRun) targets() (args, groups []string) {
	about := e.bundle.About()
	return about.Targets, about.Groups
}

// describe says in the report what its evidence is, and who vouches for it.
func (e *evidenceRun) describe(r *trace.Report) {
	if e.bundle == nil {
		return
	}
	about := e.bundle.About()
	var by []string
	if e.flags.evidence.sha256 != "" { // another was not opened
		by = append(by, "--evidence-sha256")
	}
	if id := e.flags.evidence.identity; id != "" {
		by = append(by, "--evidence-identity "+id)
	}
	r.FromBundle(trace.Bundle{
		SHA256: e.bundle.SHA256(), RecordedAt: about.RecordedAt, PolicySHA256: about.Policy.SHA256, VouchedBy: strings.Join(by, ", "),
	}, e.doubts...)
	as := about.RecordedAt
	if about.At != nil {
		as = *about.At
	}
	note := "the evidence was recorded at " + about.RecordedAt.UTC().Format(time.RFC3339)
	if r.At == nil {
		note += "; --at " + as.UTC().Format(time.RFC3339Nano) + " judges as the run did that recorded it"
	}
	r.Notes = append(r.Notes, note)
	if about.Policy.SHA256 != r.Policy.SHA256 {
		r.Notes = append(r.Notes, fmt.Sprintf("the evidence was recorded under another policy, %s (sha256 %s): this report judges by its own", about.Policy.Name, about.Policy.SHA256))
	}
}

// keep writes the bundle, whatever the verdict is: an auditor wants it most where
// that is bad.
func (e *evidenceRun) keep(r *trace.Report, about evidence.About) error {
	if e.recorder == nil {
		return nil
	}
	about.RecordedAt, about.At, about.Version, about.Verdict, about.Self = r.VerifiedAt, r.At, version(), string(r.Verdict), e.self.String()
	about.Policy = evidence.Policy{Name: r.Policy.Name, SHA256: r.Policy.SHA256, Files: e.flags.policyParts}
	err := writeFile(e.flags.evidence.write, func(w io.Writer) error { return e.recorder.Write(w, about) })
	if err != nil {
		return fmt.Errorf("write the evidence: %w", err)
	}
	return nil
}
