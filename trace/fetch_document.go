package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/document"
)

// document reads a run's listing, its document and every form of signature
// that the listing has, once, and keeps the document if all of it holds. The
// error is for a cancelled context alone.
func (c *chain) document(ctx context.Context, l *link) error {
	l.read.Do(func() {
		l.readErr = c.slotted(ctx, func() error { return c.readDocument(ctx, l) })
	})
	return l.readErr
}

func (c *chain) readDocument(ctx context.Context, l *link) error {
	if l.node.impl == graph.BuiltIn {
		l.add(Finding{
			Rule: RuleCotMissing, Message: "a built-in task is resolved by the queue itself: no worker ran it, and nothing is signed",
			Hint: "take nothing from it: name a task that a worker ran",
		})
		return nil
	}
	if l.run.State.Open() {
		l.add(Finding{
			Rule: RuleRunNotCompleted, Message: fmt.Sprintf("run %s is not completed, so nothing of it is signed yet", l.ref()),
			Want: string(graph.Completed), Got: string(l.run.State), Heals: true, Hint: waitHint(l.run.State),
		})
		return nil
	}
	listing, err := c.list(ctx, l)
	if err != nil {
		l.add(unavailable(RuleCotMissing, err, "the artifact listing of "+l.ref().String()))
		return ctx.Err()
	}
	l.listing, l.names = listing.Kept, listing.Names
	name := certs.DocumentName
	if c.v.options.Archive && clearSignedAlone(l.listing) {
		name = string(certs.FormPGP)
	}
	entry, listed := l.listing[name]
	if !listed {
		l.add(c.missingDocument(l))
		return nil
	}
	if !entry.Storage.Hashed() {
		err := c.unstored(ctx, l, name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.add(unreadable(RuleCotMissing, l, name, err))
		return nil
	}
	w := certs.Worker{
		Implementation: l.node.impl, Pool: l.node.task.Pool,
		WorkerGroup: l.run.WorkerGroup, WorkerID: l.run.WorkerID, Started: l.run.Started, Resolved: l.run.Resolved,
	}
	if l.doc = c.keptDocument(ctx, l, w); l.doc != nil {
		return nil
	}
	room := c.room() // of the document, of which nothing stays
	defer c.giveBack(room)
	signed, err := c.readSigned(ctx, l, name, room)
	if err != nil || signed == nil {
		return err
	}
	if verified := c.verifySignature(ctx, l, *signed, w); verified != nil {
		if l.doc = c.checkDocument(l, *verified); l.doc != nil {
			c.keepDocument(l, *signed, w)
		}
	}
	return nil
}

// clearSignedAlone tells whether a run has a clear-signed document and nothing
// else that belongs to one, as until 2019.
func clearSignedAlone(listing map[string]graph.Artifact) bool {
	if _, plain := listing[certs.DocumentName]; plain {
		return false
	}
	for _, f := range certs.Forms() {
		if _, present := listing[string(f)]; present != (f == certs.FormPGP) {
			return false
		}
	}
	return true
}

// readSigned fetches the document, into a room, and its forms together. name is
// where the document is, which may be one of the forms.
func (c *chain) readSigned(ctx context.Context, l *link, name string, room *bytes.Buffer) (*certs.Signed, error) {
	s := &certs.Signed{Forms: map[certs.Form][]byte{}}
	var docErr error
	formErrs := map[certs.Form]error{}
	var g errgroup.Group
	if name == certs.DocumentName {
		g.Go(safe(func() error {
			s.Document, docErr = c.readInto(ctx, room, l.ref(), name, c.v.policy.Limits.MaxCotBytes)
			return nil
		}))
	}
	type form struct {
		data []byte
		err  error
	}
	present := forms(l)
	got := make([]form, len(present))
	for i, f := range present {
		g.Go(safe(func() error {
			if !l.listing[string(f)].Storage.Hashed() {
				got[i].err = c.unstored(ctx, l, string(f))
				return nil
			}
			limit := int64(certs.MaxFormBytes)
			if f == certs.FormPGP { // it has the document inside
				limit = c.v.policy.Limits.MaxCotBytes
			}
			got[i].data, got[i].err = c.readAll(ctx, l.ref(), string(f), limit)
			return nil
		}))
	}
	if err := errors.Join(g.Wait(), ctx.Err()); err != nil {
		return nil, err
	}
	for i, f := range present {
		s.Forms[f] = got[i].data
		formErrs[f] = got[i].err
	}
	bad := false
	if docErr != nil {
		l.add(unreadable(RuleCotMissing, l, certs.DocumentName, docErr))
		bad = true
	}
	for _, f := range present {
		if err := formErrs[f]; err != nil {
			l.add(unreadable(RuleSignatureMissing, l, string(f), err))
			bad = true
		}
	}
	if bad {
		return nil, nil
	}
	return s, nil
}

func (c *chain) verifySignature(ctx context.Context, l *link, s certs.Signed, w certs.Worker) *certs.Verified {
	if c.v.options.AcceptUnsignedPools && c.v.trust.Unsigned(s, w) {
		verified, err := c.v.trust.AcceptUnsigned(s, w)
		if err != nil {
			l.add(Finding{Rule: RuleSignerUnauthorized, Message: err.Error()})
			return nil
		}
		l.add(Finding{
			Rule: RuleSignerUnauthorized, Severity: SeverityWarning, Accepted: FlagAcceptUnsignedPools,
			Message: fmt.Sprintf("nobody's signature vouches for this task: the workers of pool %s have no published key", w.Pool),
		})
		return verified
	}
	verified, failures := c.v.trust.Verify(ctx, s, w)
	for _, f := range failures {
		finding := signatureFinding(f)
		if f.Cause == certs.SignatureMissing {
			finding = missingSignature(l, finding)
		}
		l.add(finding)
	}
	if verified != nil {
		for _, f := range verified.Warnings() {
			warning := signatureFinding(f)
			warning.Severity, warning.Heals = SeverityWarning, false
			l.add(warning)
		}
	}
	return verified
}

func signatureFinding(f certs.Failure) Finding {
	return Finding{Rule: Rule(f.Cause), Message: f.Message, Want: orNil(f.Want), Got: orNil(f.Got), Hint: f.Hint, Heals: f.Heals}
}

// checkDocument binds a signed document to the run that it was found in.
func (c *chain) checkDocument(l *link, v certs.Verified) *document.Document {
	doc, problems := document.Parse(v, document.Options{
		Implementation: l.node.impl, ImageHashes: imageHashesCount(l), Limit: c.v.policy.Limits.MaxCotBytes,
		Keep: c.keep(l), Task: l.node.task.text(),
	})
	for _, p := range problems {
		rule := RuleCotMalformed
		if p.Algorithm {
			rule = RuleHashAlgorithm
		}
		l.add(Finding{Rule: rule, Message: "the chain of trust document is malformed: " + p.Message, Path: p.Path, Want: orNil(p.Want), Got: orNil(p.Got)})
	}
	if doc == nil {
		return nil
	}
	ok := true
	same := func(rule Rule, path, what, want, got string) {
		if want != got {
			ok = false
			l.add(Finding{
				Rule: rule, Path: path, Want: want, Got: clipText(got),
				Message: fmt.Sprintf("the signed document is of another %s than the queue's", what),
				Hint:    "don't use it: the document was replaced by one that was signed for something else; tell whoever runs the workers",
			})
		}
	}
	a := doc.Asserted
	same(RuleCotTaskID, "/taskId", "task", l.node.id.String(), a.TaskID)
	same(RuleCotRunID, "/runId", "run", l.run.ID.String(), fmt.Sprint(a.RunID))
	same(RuleCotWorker, "/workerGroup", "worker group", l.run.WorkerGroup, a.WorkerGroup)
	same(RuleCotWorker, "/workerId", "worker", l.run.WorkerID, a.WorkerID)
	if !doc.SameTask {
		for _, d := range differences(canonical(l.node.task.Definition().Value()), canonical(a.Task)) {
			ok = false
			l.add(Finding{
				Rule: RuleCotTaskDefinition, Path: "/task" + d.path, Want: d.want, Got: d.got,
				Message: "the task that the worker signed differs from the queue's definition",
			})
		}
	}
	doc.Asserted.Task = nil // it is the queue's definition
	if !ok {
		return nil
	}
	l.claims = doc.Claims
	if len(doc.Claims) > 0 {
		l.add(Finding{
			Rule: RuleTaskClaimed, Severity: SeverityWarning, Path: doc.Claims[0], Got: doc.Claims,
			Message: fmt.Sprintf("%d places of the signed document are the task's own word; nothing relies on them", len(doc.Claims)),
		})
	}
	return doc
}

// imageHashesCount: workers write image hashes only for docker payloads, and a
// container with power over the host could have replaced them.
func imageHashesCount(l *link) bool {
	return l.node.impl == graph.DockerWorker && !l.node.task.HasHost
}

func hasHost(d *graph.Definition) bool {
	for _, path := range [][]string{{"capabilities", "privileged"}, {"capabilities", "disableSeccomp"}, {"features", "dind"}} {
		if _, _, on := switchedOn(d, path...); on {
			return true
		}
	}
	return false
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
