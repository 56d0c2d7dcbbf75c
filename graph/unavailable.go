package graph

import "fmt"

// Reason says why something could not be had. The zero value is no reason.
type Reason string

// Reasons. Those that Heals reports may go away by themselves; trying again
// later is worth it. All others stay.
const (
	NotFound         Reason = "not found"         // 404: never made, or never uploaded
	Forbidden        Reason = "forbidden"         // 401, 403: the caller lacks a scope
	Expired          Reason = "expired"           // 410: it was there and is deleted
	WorkerFailed     Reason = "worker failed"     // 424, or an artifact of type "error"
	Refused          Reason = "refused"           // a storage type or URL that is never followed
	BadRedirect      Reason = "bad redirect"      // too many, in a circle, or to a place not allowed
	TooLarge         Reason = "too large"         // a limit was exceeded
	Malformed        Reason = "malformed"         // the answer is not what the interface promises
	BadRequest       Reason = "bad request"       // any other 4xx
	Unreachable      Reason = "unreachable"       // connection failed or broke, time ran out
	RateLimited      Reason = "rate limited"      // 429 after retries
	ServerError      Reason = "server error"      // 5xx after retries
	Unfinished       Reason = "unfinished"        // a task that is still pending or running
	StorageCorrupted Reason = "storage corrupted" // storage itself says that its bytes are wrong
	NotRecorded      Reason = "not recorded"      // an archive was asked that has no answer, not even that there is none
)

// Heals tells whether the same request may succeed later.
func (r Reason) Heals() bool {
	switch r {
	case Unreachable, RateLimited, ServerError, Unfinished:
		return true
	}
	return false
}

// UnavailableError reports evidence or content that could not be had.
type UnavailableError struct {
	What   string // what was asked for: "task X", "artifact public/a of X/0"
	Reason Reason
	Detail string // what was found instead: a status, a message of the service
	Hint   string // what to try; may be empty
}

func (e *UnavailableError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s: %s", e.What, e.Reason)
	}
	return fmt.Sprintf("%s: %s (%s)", e.What, e.Reason, e.Detail)
}
