package certs

import (
	"context"
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/certs/timestamp"
)

// startTolerance is how far before the run's start a time stamp may lie:
// clocks differ.
const startTolerance = 5 * time.Minute

// stamp gives the time that a time stamp over a signature proves. A time stamp
// that fails is not replaced by the queue's time.
func (a *authority) stamp(ctx context.Context, response, signature []byte, w Worker) (instant, []Failure) {
	refuse := func(message, want, got string) (instant, []Failure) {
		return instant{}, []Failure{{
			Cause: TimestampInvalid, Message: "the time stamp does not count: " + message, Want: want, Got: got,
			Hint: "a time stamp that is present must verify; the queue's time does not stand in for it",
		}}
	}
	if a == nil || a.stamps == nil {
		return refuse("policy trusts no time-stamping authority", "signers.certificates.timestamps in the policy", "")
	}
	token, err := timestamp.Parse(response, signature, nil)
	if err != nil {
		return refuse(err.Error(), "", "")
	}
	at := instant{at: token.Time, accuracy: token.Accuracy, source: TimeFromTimestamp}
	if from := w.Started.Add(-startTolerance); w.Started.IsZero() || at.earliest().Before(from) || at.latest().After(a.now) {
		_, failures := refuse("it is not of the time of the run",
			fmt.Sprintf("from %s to %s", from.UTC().Format(time.RFC3339), a.now.UTC().Format(time.RFC3339)),
			fmt.Sprintf("%s ± %s", at.at.UTC().Format(time.RFC3339), at.accuracy))
		// Of this very moment, as far as clocks and its accuracy tell.
		failures[0].Heals = !at.earliest().Before(from) && !w.Started.IsZero() && at.latest().Before(a.now.Add(startTolerance))
		return instant{}, failures
	}
	t := table{signed: at, now: a.now, strict: true}
	path, _, failures := a.stamps.judge(ctx, token.Signer, distinct(token.Certificates), t, nil)
	for i := range failures {
		failures[i].Message = fmt.Sprintf("the time stamp does not count: of its authority: %s", failures[i].Message)
		failures[i].Cause = TimestampInvalid
	}
	if len(failures) > 0 {
		return instant{}, failures
	}
	at.restsOn = idsOf(path.Certificates())
	return at, nil
}
