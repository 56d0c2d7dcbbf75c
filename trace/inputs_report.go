package trace

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// InputsReportName is the artifact in which a task that fetched its inputs with
// cot-download says what it got. Its digest in the consumer's document pins
// those inputs.
const InputsReportName = "public/cot-report.json"

const maxInputsReportBytes = 64 << 20

// fetched is what a report says of one artifact.
type fetched struct {
	run  graph.RunRef
	name string
}

// readInputsReports reads the reports that consumers published. A report that
// can't be had or read pins nothing; why stands in a warning.
func (c *chain) readInputsReports(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.v.options.Jobs)
	for _, l := range c.snapshot() {
		if l.doc == nil || len(l.inputs) == 0 {
			continue
		}
		if _, ok := l.doc.Artifacts[InputsReportName]; !ok {
			continue
		}
		g.Go(safe(func() error {
			sums, err := c.readInputsReport(gctx, l)
			if err != nil {
				l.add(Finding{
					Rule: RuleInputUnpinned, Severity: SeverityWarning, Path: "/artifacts/" + InputsReportName,
					Message: fmt.Sprintf("the task's own report on its inputs pins nothing: %v", err),
				})
			}
			l.reported = sums
			return ctx.Err()
		}))
	}
	return g.Wait()
}

func (c *chain) readInputsReport(ctx context.Context, l *link) (map[fetched][]byte, error) {
	data, finding := c.readVouched(ctx, l, InputsReportName, maxInputsReportBytes)
	if finding != nil {
		return nil, errors.New(finding.Message)
	}
	return parseInputsReport(data)
}

func parseInputsReport(data []byte) (map[fetched][]byte, error) {
	top, err := strictjson.ParseObject(data, maxInputsReportBytes)
	if err != nil {
		return nil, err
	}
	if v, _ := top["apiVersion"].(string); v != APIVersion {
		return nil, fmt.Errorf("unknown version %q", clipText(v))
	}
	list, _ := top["artifacts"].([]any)
	sums := make(map[fetched][]byte, len(list))
	for _, v := range list {
		m, _ := v.(map[string]any)
		// cot-verify-graph hashes, too, but gives the task nothing: what the task read
		// by other means may have been other bytes.
		hashed, _ := m["hashed"].(bool)
		if path, _ := m["path"].(string); !hashed || path == "" {
			continue
		}
		task, _ := m["taskId"].(string)
		name, _ := m["name"].(string)
		n, _ := m["runId"].(strictjson.Number)
		text, _ := m["sha256"].(string)
		id, err1 := graph.ParseTaskID(task)
		run, err2 := graph.ParseRunID(string(n))
		sum, err3 := hex.DecodeString(text)
		if err1 != nil || err2 != nil || err3 != nil || len(sum) != 32 {
			return nil, fmt.Errorf("an entry of its artifacts is malformed: %s %s %s", clipText(task), n, clipText(name))
		}
		sums[fetched{graph.RunRef{Task: id, Run: run}, name}] = sum
	}
	return sums, nil
}

// reportedBy tells whether the consumer's report names the input's bytes, and
// keeps only the run that it names.
func (in *input) reportedBy(l *link) bool {
	var runs []*link
	for _, r := range in.runs {
		sum, ok := l.reported[fetched{r.ref(), in.edge.Artifact}]
		if ok && r.hasSHA256(in.edge.Artifact, sum) {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return false
	}
	in.runs = runs
	return true
}
