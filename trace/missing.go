package trace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
)

// missingDocument explains a listing without a document by what the queue and
// the task's definition say. Of several causes it names the one that is sure.
func (c *chain) missingDocument(l *link) Finding {
	d := l.node.task.Definition
	f := Finding{
		Rule: RuleCotMissing, Want: certs.DocumentName, Got: listed(len(l.listing)),
		Message: fmt.Sprintf("%s of %s has no chain of trust document", d.Name, l.ref()),
	}
	because := func(cause, hint string) Finding {
		f.Message, f.Hint = f.Message+": "+cause, hint
		return f
	}
	state, signs := l.run.State, l.node.impl == graph.Scriptworker
	if !signs {
		features, _ := d.Payload["features"].(map[string]any)
		on, present := features["chainOfTrust"]
		signs, _ = on.(bool)
		if !signs && state != graph.Exception {
			f.Path, f.Want, f.Got = "/payload/features/chainOfTrust", true, nil
			if present {
				f.Got = brief(on)
			}
			return because("the task does not ask its worker for one", "set payload.features.chainOfTrust to true, and run the task again")
		}
	}
	switch {
	case state == graph.Exception:
		cause, hint := endedEarly(l.run.Reason)
		return because(fmt.Sprintf("the run ended as exception (%s), %s", l.run.Reason, cause), hint)
	case !d.Expires.IsZero() && !d.Expires.After(c.v.ran): // whatever is judged as of, it is gone now
		return because("all that the task made expired with it, at "+stamp(d.Expires), "it has to be made again, by a new task")
	case state == graph.Failed:
		return because("the run failed, and its worker uploaded none, though workers sign failed runs too",
			"look into the log of the run; rerun the task")
	case l.node.impl == graph.Scriptworker:
		return because("the worker never uploaded it, or somebody deleted it", "look into the log of the run; rerun the task")
	}
	return because("the task asks for one, but the worker never uploaded it, or somebody deleted it",
		"rerun the task; or the pool runs generic-worker's insecure engine, which cannot sign: run the task in a pool that can")
}

// listed says how many artifacts a listing without the one looked for has.
func listed(n int) string {
	switch n {
	case 0:
		return "no artifact at all"
	case 1:
		return "1 other artifact"
	}
	return fmt.Sprintf("%d other artifacts", n)
}

// endedEarly explains why a run that ended as exception is not signed, by the
// queue's reasons.
func endedEarly(reason string) (cause, hint string) {
	switch reason {
	case "worker-shutdown", "claim-expired":
		return "so its worker went away before it could sign", "rerun the task"
	case "canceled":
		return "so somebody cancelled it before it was signed", "rerun the task"
	case "deadline-exceeded":
		return "so it was not resolved in time", "a rerun is refused after the deadline: create the task anew"
	case "malformed-payload":
		return "so its worker refused the payload", "look into the log of the run; an engine that cannot sign refuses features.chainOfTrust, " +
			"and one that can refuses it beside runTaskAsCurrentUser"
	}
	return "before it was signed", "look into the log of the run; rerun the task"
}

// waitHint says what to wait for before a run is signed.
func waitHint(s graph.RunState) string {
	switch s {
	case graph.Unscheduled:
		return "its dependencies have not resolved; if one of them failed, this task never runs"
	case graph.Pending:
		return "no worker has claimed it; wait until the task has completed"
	}
	return "wait until the task has completed"
}

// missingSignature explains a document that is there without any signature.
func missingSignature(l *link, f Finding) Finding {
	if len(forms(l)) > 0 {
		return f
	}
	f.Want = string(certs.FormSignature)
	f.Got = listed(len(l.listing))
	f.Message += ": the two are uploaded one after the other, and the second upload did not happen, or somebody deleted it"
	if l.run.State == graph.Exception {
		cause, hint := endedEarly(l.run.Reason)
		f.Message = fmt.Sprintf("the run has a chain of trust document but no signature beside it: it ended as exception (%s), %s", l.run.Reason, cause)
		f.Hint = hint
	}
	return f
}

// forms are the signatures that a run's listing has.
func forms(l *link) []certs.Form {
	var out []certs.Form
	for _, f := range certs.Forms() {
		if _, ok := l.listing[string(f)]; ok {
			out = append(out, f)
		}
	}
	return out
}

// unreadable explains what the listing has and storage or queue do not give.
func unreadable(rule Rule, l *link, name string, err error) Finding {
	f := unavailable(rule, err, fmt.Sprintf("%s of %s, though it is listed", name, l.ref()))
	var u *graph.UnavailableError
	if !errors.As(err, &u) || f.Heals {
		return f
	}
	entry := l.listing[name]
	switch u.Reason {
	case graph.WorkerFailed:
		f.Message = fmt.Sprintf("%s of %s was never stored: the worker failed to upload it (%s)", name, l.ref(), u.Detail)
		f.Got = u.Detail
		f.Hint = "look into the log of the run; rerun the task"
	case graph.Expired:
		f.Message = fmt.Sprintf("%s of %s has expired", name, l.ref())
		if !entry.Expires.IsZero() {
			f.Message += ", at " + stamp(entry.Expires)
			f.Got = "expired at " + stamp(entry.Expires)
		}
		f.Hint = "it was there once; rerun the task, or create it anew where its deadline has passed"
	case graph.Refused:
		f.Message = fmt.Sprintf("%s of %s is not a file that a worker uploaded", name, l.ref())
		f.Want, f.Got = "storage type s3 or object", string(entry.Storage)
		f.Hint = "somebody else put it there: rerun the task"
	case graph.TooLarge:
		if f.Hint == "" {
			f.Hint = "limits.maxCotBytes in the policy, if the document is genuine"
		}
	default:
		if f.Hint == "" {
			f.Hint = "it was uploaded, so storage lost or changed it: rerun the task"
		}
	}
	return f
}

// unstored gives the queue's reason for an artifact of another storage type than
// workers hash; it never gives content.
func (c *chain) unstored(ctx context.Context, l *link, name string) error {
	storage := l.listing[name].Storage
	if storage == graph.Error {
		body, err := c.v.sources.Artifacts.Open(ctx, l.ref(), name, certs.MaxFormBytes)
		if err != nil {
			return err
		}
		_ = body.Close()
	}
	return &graph.UnavailableError{What: name, Reason: graph.Refused, Detail: "stored as " + string(storage)}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
