package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// Which artifacts are read where they are stored, and compared with what their
// workers signed.
const (
	compareNone   = "none"
	compareInputs = trace.ComparedInputs
	compareAll    = trace.ComparedAll
)

var compares = []string{compareNone, compareInputs, compareAll}

// compareStored reads the artifacts that --artifacts asks for and records what
// that came to.
func (f *verifyFlags) compareStored(ctx context.Context, d *deployment, rep *trace.Report, which string, show progress) error {
	if which == compareNone {
		return nil
	}
	if rep.Shard != nil {
		rep.Shard.Compared = which
	}
	list := rep.Stored(which == compareAll)
	compared := make([]trace.Comparison, len(list))
	notes := make([]string, len(list))
	o := download.Options{Jobs: f.jobs, Cache: d.sources.Cache, Events: show.fetched(len(list), "comparing")}
	err := download.Compare(ctx, stored{d.queue}, list, o, func(i int, c download.Compared) {
		a := list[i]
		compared[i] = trace.Comparison{Artifact: a, Bytes: c.Bytes}
		what := fmt.Sprintf("artifact %s of %s", a.Name(), a.Run())
		if c.Err != nil {
			finding := failure(trace.RuleArtifactUnavailable, what, c.Err)
			finding.Message = strings.TrimPrefix(finding.Message, what+": ") // the report has it beside the name
			if finding.Rule == trace.RuleArtifactUnavailable && !finding.Heals {
				const alone = "--artifacts none judges the documents alone"
				if finding.Hint != "" { // such as which scope is needed
					finding.Hint += "; " + alone
				} else {
					finding.Hint = "what is stored can't be compared with what was signed; " + alone
				}
			}
			compared[i].Findings = []trace.Finding{finding}
		}
		if c.Note != "" {
			notes[i] = what + ": " + report.Clean(c.Note)
		}
	})
	if err != nil {
		return err
	}
	rep.AddCompared(compared)
	for _, n := range notes {
		if n != "" {
			rep.Notes = append(rep.Notes, n)
		}
	}
	return nil
}
