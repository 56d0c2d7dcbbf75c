package download

import (
	"github.com/mozilla-releng/cot/trace"
)

// Item is one thing to put at the destination: an artifact, or one of the two
// other sources of a mount. Exactly one source is set.
type Item struct {
	Artifact trace.VerifiedArtifact
	Pinned   *Pinned  // instead of an artifact
	Literal  *Literal // instead of an artifact

	Path       string  // the file, slash-separated, below the destination
	Extract    Extract // how to unpack it; the zero value keeps the bytes as they are
	ExtractTo  string  // the directory to unpack an archive into; "." is the destination
	Executable bool
}

// Pinned names bytes by where they are and what they must be.
type Pinned struct {
	URL    string
	SHA256 [32]byte
}

// Literal is content that came with the request itself.
type Literal struct{ Bytes []byte }

// Result is what became of one item. Err is nil only if its bytes matched every
// digest and lie where they belong.
type Result struct {
	Item    Item
	Bytes   int64    // decoded size of the artifact
	SHA256  string   // of the artifact's bytes, lower-case hex
	SHA512  string   // likewise, where a digest of that kind was given
	Written []string // files and links, below the destination, sorted
	// Unpacked: Written is what the archive held, below Item.ExtractTo.
	Unpacked bool
	Kept     bool   // the file was there already, identical; nothing was fetched
	Note     string // what went wrong on the way and healed
	Err      error

	unpacked *unpacked // waits for its place; nil once the call returns
}
