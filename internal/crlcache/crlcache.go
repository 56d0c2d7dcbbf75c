// Package crlcache fetches CRLs and OCSP answers for certs/revocation, and keeps
// CRLs on disk until they are due.
//
// Nothing is trusted because it is in the cache: what is read from there is
// verified like what was fetched. What a URL gave is stored only once the signers
// of all its lists were found to hold, and never in the place of higher numbers.
package crlcache

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/cachedir"
	"github.com/mozilla-releng/cot/internal/transport"
)

// Config says where from and where to.
type Config struct {
	Transport *transport.Client
	// Named are the URLs that policy names. All others are a certificate's, and
	// lead to no local address.
	Named []string
	// Dir is where lists are kept; nil: nowhere.
	Dir *cachedir.Dir
	Now time.Time
	// Grace is how long past its nextUpdate a kept list stands in for one that
	// can't be had.
	Grace time.Duration
}

// Fetcher is revocation.Sources. It is safe for concurrent use.
type Fetcher struct {
	cfg  Config
	kept kept

	mu      sync.Mutex
	fetched map[string]entry // by URL: not yet known to hold
}

var (
	_ revocation.Sources = (*Fetcher)(nil)
	_ revocation.Keeper  = (*Fetcher)(nil)
)

// New makes a fetcher.
func New(c Config) *Fetcher { return &Fetcher{cfg: c, kept: kept{c.Dir}, fetched: map[string]entry{}} }

// CRL gives the list at a URL: a kept one until its nextUpdate, then the
// server's, unless that is older.
func (f *Fetcher) CRL(ctx context.Context, at string) ([]byte, error) {
	kept, have := f.kept.load(at)
	if have && kept.due().After(f.cfg.Now) {
		return kept.data, nil
	}
	header := http.Header{}
	if have && kept.etag != "" {
		header.Set("If-None-Match", kept.etag)
	}
	what := "CRL " + redact(at)
	doc, err := f.cfg.Transport.Read(ctx, transport.Request{What: what, URL: at, From: f.from(at), Header: header, Follow: true}, revocation.MaxCRLBytes)
	switch {
	case err == nil && doc.Status == http.StatusNotModified && have:
		return kept.data, nil
	case err == nil && doc.Status != http.StatusOK:
		err = &graph.UnavailableError{
			What: what, Reason: transport.ReasonOf(doc.Status), Detail: fmt.Sprintf("status %d", doc.Status),
			Hint: "is the URL right, and does the CA still publish its CRL there?",
		}
		fallthrough
	case err != nil:
		if have && f.cfg.Now.Before(kept.due().Add(f.cfg.Grace)) {
			return kept.data, nil // policy lets it count
		}
		return nil, err
	}
	fresh := entry{data: doc.Body, etag: etag(doc.Header)}
	if have && fresh.olderThan(kept) {
		return kept.data, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if first, ok := f.fetched[at]; ok {
		return first.data, nil // Keep is about what everybody got
	}
	f.fetched[at] = fresh
	return fresh.data, nil
}

// Keep stores what was fetched from a URL, now that its signer holds.
func (f *Fetcher) Keep(at string) {
	f.mu.Lock()
	fresh, ok := f.fetched[at]
	delete(f.fetched, at)
	f.mu.Unlock()
	if ok {
		f.kept.store(at, fresh)
	}
}

// OCSP asks a responder (RFC 6960 appendix A.1).
func (f *Fetcher) OCSP(ctx context.Context, at string, request []byte) ([]byte, error) {
	what := "OCSP answer of " + redact(at)
	doc, err := f.cfg.Transport.Read(ctx, transport.Request{
		What: what, Method: http.MethodPost, URL: at, From: f.from(at), Body: request,
		Header: http.Header{"Content-Type": {"application/ocsp-request"}},
	}, revocation.MaxOCSPBytes)
	if err != nil {
		return nil, err
	}
	if doc.Status != http.StatusOK {
		return nil, &graph.UnavailableError{What: what, Reason: transport.ReasonOf(doc.Status), Detail: fmt.Sprintf("status %d", doc.Status)}
	}
	return doc.Body, nil
}

// from makes the transport judge what a certificate names as it judges a
// redirect: no local address, no user information.
func (f *Fetcher) from(at string) string {
	if slices.Contains(f.cfg.Named, at) {
		return ""
	}
	u, err := url.Parse(at)
	if err != nil {
		return "https://certificate/"
	}
	return u.Scheme + "://certificate/"
}

func etag(h http.Header) string {
	if tag := h.Get("ETag"); len(tag) > 1 && len(tag) < 300 {
		return tag
	}
	return ""
}

func redact(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "at a URL that can't be read"
	}
	return transport.Redact(u)
}

// entry is what a URL gave.
type entry struct {
	data []byte
	etag string
}

// due is the earliest nextUpdate of its lists; zero if it can't be read.
func (e entry) due() time.Time {
	lists, err := revocation.ParseCRLs(e.data)
	if err != nil {
		return time.Time{}
	}
	var due time.Time
	for _, l := range lists {
		if next := l.NextUpdate(); due.IsZero() || next.Before(due) {
			due = next
		}
	}
	return due
}

// olderThan tells whether a list of e has a lower number than one of the same
// issuer and kind in kept.
func (e entry) olderThan(kept entry) bool {
	lists, err1 := revocation.ParseCRLs(e.data)
	old, err2 := revocation.ParseCRLs(kept.data)
	if errors.Join(err1, err2) != nil {
		return err2 == nil
	}
	for _, n := range lists {
		for _, o := range old {
			if string(n.Issuer()) != string(o.Issuer()) || (n.Base() == nil) != (o.Base() == nil) {
				continue
			}
			if o.Number() != nil && (n.Number() == nil || n.Number().Cmp(o.Number()) < 0) {
				return true
			}
		}
	}
	return false
}
