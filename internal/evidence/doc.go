// Package evidence keeps all that a verification was answered, so that it can
// be done again without the services: a Recorder stands between the verifier
// and the live sources, and a Bundle answers the same questions from one file.
//
// A bundle is a tar archive, compressed as one zstd frame. Its first member is
// manifest.json, with every question and the digest of its answer; the others
// are the answers, blobs/sha256/HEX. Nothing in it is trusted because it is
// there: answers are parsed by the readers that live ones go through, documents
// are verified by their signatures, and who vouches for what the queue and
// version control said is for the caller to settle, by the file's own digest.
package evidence
