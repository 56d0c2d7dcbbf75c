// Package download turns verified digests into files: it fetches artifacts,
// hashes them while they stream, and puts bytes under their final name only
// after every digest matched. It unpacks archives the same way: all of one, or
// nothing.
//
// It trusts the digests it is given (trace.VerifiedArtifact, which only a
// report without failures yields) and nothing else: not the storage, not the
// names, not what archives hold, not what already lies at the destination. It
// writes below its os.Root alone.
//
// Files are not synced to disk: a file that a power cut left short does not
// match its digest, and the next run fetches it again.
package download
