package download

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Fault says which side holds the wrong bytes. The zero value is none.
type Fault string

// Faults.
const (
	Transport Fault = "transport" // two fetches gave different bytes
	Storage   Fault = "storage"   // the same wrong bytes came twice, or storage itself promises other ones
	Disk      Fault = "disk"      // the file at the destination has other bytes
	Untold    Fault = "untold"    // a second fetch, which would tell, failed
)

// MismatchError reports bytes that are not those of the verified digest.
type MismatchError struct {
	What      string // "artifact public/a of X/0", or a URL
	Algorithm string // sha256 or sha512
	Want      string // lower-case hex
	First     string // what the first fetch had, or why it has no digest
	Second    string // what the fetch past the CDN had; empty if there was none
	Fault     Fault
}

func (e *MismatchError) Error() string {
	where := "the file on disk has other bytes"
	switch e.Fault {
	case Storage:
		where = "storage holds the wrong bytes"
	case Transport:
		where = "transport delivers differing bytes"
	case Untold:
		where = "wrong bytes came, from transport or from storage"
	}
	got := e.First
	if e.Second != "" && e.Second != e.First {
		got += ", then " + e.Second
	}
	return fmt.Sprintf("%s: %s: want %s %s, got %s", e.What, where, e.Algorithm, e.Want, got)
}

// LimitError reports that something is larger than its limit.
type LimitError struct {
	What  string
	Limit int64
	Unit  string // "bytes", "members"
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s exceeds the limit of %d %s", e.What, e.Limit, e.Unit)
}

// NameError refuses a path that is not safe, or not one file's name, on every
// platform.
type NameError struct{ Name, Reason string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%q is refused as a path: %s", clip(e.Name), e.Reason)
}

// CollisionError refuses two inputs that would write one path.
type CollisionError struct{ First, Second, FirstFrom, SecondFrom string }

func (e *CollisionError) Error() string {
	return fmt.Sprintf("%s (%q) and %s (%q) would write the same path; give one of them another destination",
		e.FirstFrom, clip(e.First), e.SecondFrom, clip(e.Second))
}

// OccupiedError refuses to put something where something else lies.
type OccupiedError struct {
	Path  string
	Found string // "a directory", "a symbolic link"
	Want  string // what may lie there
}

func (e *OccupiedError) Error() string {
	return fmt.Sprintf("%q is %s, want %s or nothing; move it away or choose another destination", clip(e.Path), e.Found, e.Want)
}

// MemberError refuses an archive because of one of its members.
type MemberError struct{ Member, Reason string }

func (e *MemberError) Error() string {
	return fmt.Sprintf("archive member %q is refused: %s", clip(e.Member), e.Reason)
}

// UnpackError reports bytes that are verified but are no archive of the format
// they should have, or, with no Err, that what was unpacked can't be checked.
type UnpackError struct {
	Reason string
	Err    error
}

func (e *UnpackError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

func (e *UnpackError) Unwrap() error { return e.Err }

// DiskError reports that the destination could not be written or read.
type DiskError struct {
	Op, Path string
	Err      error
}

func (e *DiskError) Error() string {
	hint := ""
	switch {
	case errors.Is(e.Err, syscall.ENOSPC):
		hint = "; free space there or choose another destination"
	case errors.Is(e.Err, fs.ErrPermission):
		hint = "; the destination must be writable"
	}
	cause := e.Err
	var pe *fs.PathError
	if errors.As(cause, &pe) {
		cause = pe.Err
	}
	return fmt.Sprintf("%s %q: %v%s", e.Op, clip(e.Path), cause, hint)
}

func (e *DiskError) Unwrap() error { return e.Err }

func clip(s string) string {
	if len(s) > 200 {
		return s[:197] + "..."
	}
	return s
}

// ItemError says which item failed.
type ItemError struct {
	What string // "artifact public/a of X/0", or a URL
	Path string // where it was to go
	Err  error
}

func (e *ItemError) Error() string {
	if msg := e.Err.Error(); strings.Contains(msg, e.What) {
		return msg
	}
	return fmt.Sprintf("%s: %v", e.What, e.Err)
}

func (e *ItemError) Unwrap() error { return e.Err }
