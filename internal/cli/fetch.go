package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// fetch puts the items in their places, or only checks what is there, and adds
// each to the report.
func (r *downloadRun) fetch(ctx context.Context, rep *trace.Report, items []inputs.Item, artifacts []trace.VerifiedArtifact) error {
	if len(items) == 0 {
		return nil
	}
	list := make([]download.Item, len(items))
	for i, it := range items {
		var err error
		if list[i], err = downloadItem(it, artifacts[i]); err != nil {
			return usagef("%s: %w", it.Source, err)
		}
	}
	results, err := r.transfer(ctx, list)
	var collision *download.CollisionError
	var mismatch *download.MismatchError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &collision) && !errors.As(err, &mismatch): // wrong bytes are never the caller's mistake
		return usage(err)
	case len(results) != len(items) && err != nil:
		return err
	case len(results) != len(items):
		return fmt.Errorf("%d results for %d inputs", len(results), len(items))
	}
	for i, res := range results {
		if err := r.outputApart(items[i].Source, res.Written...); err != nil {
			return err
		}
		r.record(rep, items[i], artifacts[i], res)
	}
	rep.Conclude()
	return nil
}

// outputApart refuses a report that would take the place of an archive's
// member: which there are is known only now.
func (r *downloadRun) outputApart(source string, written ...string) error {
	if r.output == "" {
		return nil
	}
	output, err := realPath(r.output)
	if err != nil {
		return usagef("--output: %w", err)
	}
	dir, err := realPath(filepath.Dir(r.output))
	if err != nil {
		return usagef("--output: %w", err)
	}
	name := filepath.Join(dir, filepath.Base(r.output)) // where a link itself is
	dest, err := realPath(r.dest)
	if err != nil {
		return usagef("--dest: %w", err)
	}
	for _, p := range written {
		if at := filepath.Join(dest, filepath.FromSlash(p)); strings.EqualFold(at, output) || strings.EqualFold(at, name) {
			return usagef("--output %s is where %s was unpacked to: the report would replace it", r.output, source)
		}
	}
	return nil
}

// transfer runs the download below the destination. A destination that was
// made for it and stays empty is removed again.
func (r *downloadRun) transfer(ctx context.Context, list []download.Item) ([]download.Result, error) {
	remove := func() {}
	if !r.checkOnly {
		var err error
		if remove, err = makeDir(r.dest); err != nil {
			return nil, usagef("--dest: %w", err)
		}
	}
	defer remove()
	dest, err := os.OpenRoot(r.dest)
	switch {
	case r.checkOnly && errors.Is(err, fs.ErrNotExist):
		return nil, usagef("--dest %s does not exist: nothing on disk to check (--check-only fetches nothing)", r.dest)
	case err != nil:
		return nil, usagef("--dest: %w", err)
	}
	defer dest.Close()
	d, err := download.New(dest, stored{r.deployment.queue}, download.Options{
		Jobs: r.jobs, MaxArtifactSize: r.maxSize, Cache: r.deployment.sources.Cache,
		URLs: elsewhere{r.deployment.transport}, Events: r.show.fetched(len(list), "fetching"),
	})
	if err != nil {
		return nil, usage(err)
	}
	if r.checkOnly {
		return d.Check(ctx, list)
	}
	return d.Fetch(ctx, list)
}

// record adds one result to the report.
func (r *downloadRun) record(rep *trace.Report, it inputs.Item, a trace.VerifiedArtifact, res download.Result) {
	if !it.IsArtifact() {
		if res.Err != nil {
			rep.AddFinding(failure(trace.RuleArtifactNotWritten, it.Source, res.Err))
			return
		}
		vouching := "it came with the request itself"
		if it.URL != "" {
			vouching = "it has the sha256 that the mount demands"
		}
		rep.Notes = append(rep.Notes, fmt.Sprintf("%s is in %s: %s, no task vouches for it", it.Source, it.Path, vouching))
		return
	}
	out := trace.Artifact{
		TaskID: it.Run.Task.String(), RunID: int(it.Run.Run), Name: it.Name,
		SHA256: sha256Of(a), Bytes: res.Bytes, Path: it.Path,
		Hashed: res.Err == nil, Kept: res.Kept, Verdict: verdictOf(r.options.Scope),
	}
	if res.Unpacked {
		files := len(res.Written)
		out.Path, out.Unpacked = res.Item.ExtractTo, &files
	}
	for _, d := range a.Digests() {
		if d.Algorithm() == "sha512" {
			out.SHA512 = d.Hex()
		}
	}
	if res.Err != nil {
		f := failure(trace.RuleArtifactUnavailable, it.Source, res.Err)
		out.Findings = []trace.Finding{f}
		out.Path, out.Bytes = "", 0
		out.Verdict = trace.Untrusted
		if f.Heals {
			out.Verdict = trace.Undetermined
		}
	}
	if res.Note != "" {
		rep.Notes = append(rep.Notes, it.Source+": "+report.Clean(res.Note))
	}
	rep.AddArtifact(out)
}

// verdictOf is the verdict of an artifact whose bytes match: no better than
// what was asked for.
func verdictOf(s trace.Scope) trace.Verdict {
	if s == trace.ScopeSignature {
		return trace.Signed
	}
	return trace.Verified
}

// checkDest refuses a destination that can't become a directory.
func checkDest(dir string) error {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && info.IsDir():
			return nil
		case err == nil:
			return usagef("--dest %s: %s is not a directory", dir, at)
		case !errors.Is(err, fs.ErrNotExist):
			return usagef("--dest %s: %w", dir, err)
		case at == filepath.Dir(at):
			return usagef("--dest %s: no such place", dir)
		}
	}
}

// makeDir makes a directory and its parents. What it gives removes those it
// made as far as they are empty.
func makeDir(dir string) (remove func(), err error) {
	var made []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		made = append(made, at)
	}
	remove = func() {
		for _, d := range made {
			if os.Remove(d) != nil {
				return
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}
