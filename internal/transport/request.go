package transport

import (
	"bytes"
	"io"
	"net/http"
)

// Request is one request, which may take several tries.
type Request struct {
	What   string // names what is asked for, in errors
	Method string // "" is GET
	URL    string
	// From is the URL whose answer named URL; it is judged as a redirect from
	// there. Empty where the caller's own configuration named URL.
	From   string
	Header http.Header
	Body   []byte
	Follow bool                      // follow redirects; for GET only
	Borrow bool                      // the answer's body is needed but for a while: Document.Free ends that
	Sign   func(*http.Request) error // called before every try
	// Attempts bounds the tries, where something else can stand in for the
	// answer; 0: the client's own bound.
	Attempts int
	// Final tells of an answer that is otherwise tried again (429, 5xx) that
	// another try soon would get the same; it is then given as it is. nil: none.
	Final func(status int, h http.Header) bool
}

// Document is an answer that was read whole.
type Document struct {
	Status int
	Header http.Header
	Body   []byte // decoded

	room *bytes.Buffer // that a borrowed body is in
}

// Free ends the use of a borrowed body; of any other, it does nothing.
func (d *Document) Free() {
	if d.room != nil {
		free(d.room)
		d.Body, d.room = nil, nil
	}
}

// Response is an answer whose body is still to be read, as it was sent.
type Response struct {
	Status   int
	Header   http.Header
	Encoding Encoding
	Length   int64 // of Body, -1 if the server doesn't say
	// Body gives the encoded bytes. An end before Length, a broken connection
	// and a stall are errors of reason Unreachable.
	Body io.ReadCloser

	what string
}

// Decoded gives the decoded body; reading more than limit bytes of it is an
// error of reason TooLarge. Closing it closes the response.
func (r *Response) Decoded(limit int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{Decode(r.what, r.Body, r.Encoding, limit), r.Body}
}

// ETag is the response's strong validator, "" if it has none. A weak one says
// nothing of bytes.
func (r *Response) ETag() string {
	tag := r.Header.Get("ETag")
	if len(tag) < 2 || tag[0] != '"' {
		return ""
	}
	return tag
}
