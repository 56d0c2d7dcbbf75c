package vcs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/mozilla-releng/cot/internal/cachedir"
)

// Answers keeps what an API said in earlier runs, with the tag by which its
// server can say that it would say the same today. Nothing kept is used unless
// the server says so in this run. Both methods are called concurrently.
type Answers interface {
	// Load gives what was stored under the key.
	Load(key string) (tag string, body []byte, ok bool)
	// Store is a try: what can't be kept is asked for again.
	Store(key, tag string, body []byte)
}

// KeptAnswers are Answers in a directory.
func KeptAnswers(d *cachedir.Dir) Answers { return answerFiles{d} }

type answerFiles struct{ dir *cachedir.Dir }

func answerName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + ".answer"
}

// answerDigest binds a body to its key and tag: a file that was spoilt or
// renamed is not an answer.
func answerDigest(key, tag string, body []byte) string {
	h := sha256.New()
	for _, s := range []string{key, tag} {
		sum := sha256.Sum256([]byte(s))
		h.Write(sum[:])
	}
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// A file is two lines, the digest and the tag, and the body.
func (f answerFiles) Load(key string) (string, []byte, bool) {
	data, err := f.dir.Read(answerName(key), MaxObjectBytes+1024)
	if err != nil {
		return "", nil, false
	}
	digest, rest, ok1 := bytes.Cut(data, []byte("\n"))
	tag, body, ok2 := bytes.Cut(rest, []byte("\n"))
	if !ok1 || !ok2 || string(digest) != answerDigest(key, string(tag), body) {
		return "", nil, false
	}
	return string(tag), body, true
}

func (f answerFiles) Store(key, tag string, body []byte) {
	head := answerDigest(key, tag, body) + "\n" + tag + "\n"
	_ = f.dir.Write(answerName(key), append([]byte(head), body...))
}

// storable tells whether an entity tag is one that can be sent back.
func storable(tag string) bool {
	return len(tag) >= 2 && len(tag) < 300 && strings.IndexFunc(tag, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
