package download

// EventKind says what happened. The zero value is none.
type EventKind string

// Events of one item, in this order; Retrying may stand anywhere after Started.
// An item ends with Done, Kept or Failed.
const (
	Started    EventKind = "started"
	Progress   EventKind = "progress"
	Retrying   EventKind = "retrying" // Err says why; Bytes may fall back to 0
	Extracting EventKind = "extracting"
	Kept       EventKind = "kept"
	Done       EventKind = "done"
	Failed     EventKind = "failed"
)

// Event is a step of one item.
type Event struct {
	Kind  EventKind
	Index int    // of the item in the call
	Path  string // the item's
	Bytes int64  // received so far, as encoded
	Total int64  // expected, as encoded; -1 where unknown
	Err   error
}
