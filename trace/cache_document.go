package trace

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/trace/document"
)

// signedName is where a run's document is kept with its signatures.
func signedName(l *link) string { return fmt.Sprintf("run-%s-%s", l.node.id, l.run.ID) }

// cachesSigned tells whether documents may come from the cache. One that nobody
// signed is vouched for by nothing.
func (c *chain) cachesSigned(s certs.Signed, w certs.Worker) bool {
	return !(c.v.options.AcceptUnsignedPools && c.v.trust.Unsigned(s, w))
}

// keptDocument gives the document that an earlier run kept, if all of it holds in
// this one: the listing has exactly these forms, each signature verifies, each
// signer is trusted, and it is of this run. Else nothing is said of it, and it is
// fetched anew.
func (c *chain) keptDocument(ctx context.Context, l *link, w certs.Worker) *document.Document {
	cache := c.v.sources.Cache
	if cache == nil || c.v.options.Archive {
		return nil
	}
	body := cache.Open(signedName(l))
	if body == nil {
		return nil
	}
	defer body.Close()
	s, err := c.readKept(l, body)
	if err == nil && c.cachesSigned(*s, w) {
		findings := len(l.findings)
		if verified := c.verifySignature(ctx, l, *s, w); verified != nil {
			if doc := c.checkDocument(l, *verified); doc != nil {
				return doc
			}
		}
		l.findings = l.findings[:findings]
	}
	if ctx.Err() == nil {
		cache.Drop(signedName(l))
	}
	return nil
}

// keepDocument keeps a document that holds.
func (c *chain) keepDocument(l *link, s certs.Signed, w certs.Worker) {
	cache := c.v.sources.Cache
	if cache == nil || c.v.options.Archive || !c.cachesSigned(s, w) {
		return
	}
	k := cache.Create(signedName(l))
	if k == nil {
		return
	}
	put := func(name string, data []byte) {
		fmt.Fprintf(k, "%d %s\n", len(data), name)
		_, _ = k.Write(data)
	}
	put(certs.DocumentName, s.Document)
	for _, f := range forms(l) {
		put(string(f), s.Forms[f])
	}
	k.Finish(true)
}

var errOtherForms = errors.New("what is kept has other parts than the run's listing")

// readKept reads what keepDocument wrote.
func (c *chain) readKept(l *link, r io.Reader) (*certs.Signed, error) {
	in := bufio.NewReader(r)
	part := func(name string, limit int64) ([]byte, error) {
		if !l.listing[name].Storage.Hashed() {
			return nil, errOtherForms
		}
		head, err := in.ReadString('\n')
		if err != nil || len(head) > 100 {
			return nil, errOtherForms
		}
		var n int64
		var is string
		if _, err := fmt.Sscanf(strings.TrimSuffix(head, "\n"), "%d %s", &n, &is); err != nil || is != name || n < 0 || n > limit {
			return nil, errOtherForms
		}
		data := make([]byte, n)
		_, err = io.ReadFull(in, data)
		return data, err
	}
	s := &certs.Signed{Forms: map[certs.Form][]byte{}}
	var err error
	if s.Document, err = part(certs.DocumentName, c.v.policy.Limits.MaxCotBytes); err != nil {
		return nil, err
	}
	for _, f := range forms(l) {
		if s.Forms[f], err = part(string(f), certs.MaxFormBytes); err != nil {
			return nil, err
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return nil, errOtherForms
	}
	return s, nil
}
