package crlcache

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/cachedir"
	"github.com/mozilla-releng/cot/internal/transport"
)

var now = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

// host serves one CRL, with an ETag, and counts.
type host struct {
	*httptest.Server
	crl         []byte
	broken      bool
	untagged    bool
	asked, sent int
}

func serve(t *testing.T) *host {
	h := &host{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked++
		tag := fmt.Sprintf(`"%x"`, len(h.crl)+int(h.crl[len(h.crl)-40]))
		switch {
		case h.broken:
			w.WriteHeader(500)
		case r.Header.Get("If-None-Match") == tag:
			w.WriteHeader(http.StatusNotModified)
		default:
			h.sent++
			if !h.untagged {
				w.Header().Set("ETag", tag)
			}
			_, _ = w.Write(h.crl)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// pki is a CA and a worker that asks whether it is revoked.
type pki struct {
	t                    *testing.T
	root, issuer, worker *ca.Holder
	pool                 *pkix.Pool
	path                 pkix.Path
	name                 string
	dir                  *cachedir.Dir
}

func newPKI(t *testing.T) *pki {
	p := &pki{t: t, root: ca.Root("root")}
	p.issuer = p.root.Intermediate("issuer")
	p.worker = p.issuer.Worker(ca.Key("worker"), "spiffe://example.com/worker-pool/a/b")
	p.pool = pkix.NewPool([]*x509.Certificate{p.root.Certificate}, []*x509.Certificate{p.issuer.Certificate})
	paths, err := p.pool.Paths(p.worker.Certificate, pkix.CodeSigning)
	if err != nil {
		t.Fatal(err)
	}
	p.path = paths[0]
	p.name = filepath.Join(t.TempDir(), "cache")
	if p.dir, err = cachedir.Open(p.name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.dir.Close() })
	return p
}

// run is what one run of a command finds of the worker's certificate.
func (p *pki) run(at time.Time, url string, grace time.Duration) revocation.Answer {
	p.t.Helper()
	tr := transport.New(transport.Config{Attempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond, AllowLoopback: true})
	p.t.Cleanup(tr.CloseIdle)
	f := New(Config{Transport: tr, Named: []string{url}, Dir: p.dir, Now: at, Grace: grace})
	c, err := revocation.NewChecker(revocation.Config{URLs: []string{url}, Sources: f, Pool: p.pool, Now: at, Grace: grace})
	if err != nil {
		p.t.Fatal(err)
	}
	return c.Check(p.t.Context(), p.path, 0)
}

func (p *pki) want(a revocation.Answer, s revocation.Status) {
	p.t.Helper()
	if a.Status != s {
		p.t.Errorf("%s, want %s: %s", a.Status, s, a.Why)
	}
}

func TestListWithoutATagIsKept(t *testing.T) {
	p, h := newPKI(t), serve(t)
	h.crl, h.untagged = p.issuer.CRL(1, now), true
	for range 3 {
		p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Good)
	}
	if h.asked != 1 {
		t.Errorf("asked %d times, want once", h.asked)
	}
}

func TestListIsKeptUntilItIsDue(t *testing.T) {
	p, h := newPKI(t), serve(t)
	h.crl = p.issuer.CRL(1, now)
	p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Good)
	p.want(p.run(now.Add(24*time.Hour), h.URL, 0), revocation.Good)
	if h.asked != 1 {
		t.Errorf("asked %d times, want once", h.asked)
	}
	// Due, and the server has nothing new.
	p.want(p.run(now.AddDate(0, 0, 8), h.URL, 0), revocation.Unknown)
	if h.asked != 2 || h.sent != 1 {
		t.Errorf("asked %d times, sent %d times, want 2 and 1", h.asked, h.sent)
	}
	h.crl = p.issuer.CRL(2, now.AddDate(0, 0, 8), ca.Revoked{Of: p.worker, At: now, Reason: 1})
	p.want(p.run(now.AddDate(0, 0, 8).Add(time.Minute), h.URL, 0), revocation.Revoked)
	p.want(p.run(now.AddDate(0, 0, 8).Add(time.Hour), h.URL, 0), revocation.Revoked)
	if h.asked != 3 {
		t.Errorf("asked %d times, want 3", h.asked)
	}
}

// Whoever sits on a mirror can serve yesterday's list for ever.
func TestOlderListDoesNotReplaceANewerOne(t *testing.T) {
	p, h := newPKI(t), serve(t)
	h.crl = p.issuer.CRL(7, now, ca.Revoked{Of: p.worker, At: now, Reason: 1})
	p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Revoked)
	at := now.AddDate(0, 0, 8)
	h.crl = p.issuer.CRL(6, at) // fresh, but of a lower number
	p.want(p.run(at.Add(time.Minute), h.URL, 0), revocation.Revoked)
	h.crl = p.issuer.CRL(8, at)
	p.want(p.run(at.Add(2*time.Minute), h.URL, 0), revocation.Good)
}

func TestForgedListIsNotKept(t *testing.T) {
	p, h := newPKI(t), serve(t)
	forged := &ca.Holder{Certificate: p.issuer.Certificate, Key: ca.Key("adversary")}
	h.crl = forged.CRL(1_000_000, now)
	p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Unknown)
	h.crl = p.issuer.CRL(1, now)
	p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Good)
}

// What stands beside a genuine list may be forged, and would keep every later
// one out by its number.
func TestForgedListBesideAGenuineOneIsNotKept(t *testing.T) {
	p, h := newPKI(t), serve(t)
	forged := &ca.Holder{Certificate: p.issuer.Certificate, Key: ca.Key("adversary")}
	h.crl = append(p.issuer.CRL(1, now), forged.CRL(1_000_000, now)...)
	p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Good)
	h.crl = p.issuer.CRL(2, now.AddDate(0, 0, 7))
	p.want(p.run(now.AddDate(0, 0, 8), h.URL, 0), revocation.Good)
}

// Time stamps and workers may have one URL, and each looks at what it got: a
// server must not have one of them vouch for what the other was given.
func TestWhatIsKeptIsWhatWasVerified(t *testing.T) {
	p, h := newPKI(t), serve(t)
	tr := transport.New(transport.Config{Attempts: 1, AllowLoopback: true})
	t.Cleanup(tr.CloseIdle)
	f := New(Config{Transport: tr, Named: []string{h.URL}, Dir: p.dir, Now: now.Add(time.Hour)})
	genuine := p.issuer.CRL(1, now)
	for _, h.crl = range [][]byte{genuine, (&ca.Holder{Certificate: p.issuer.Certificate, Key: ca.Key("adversary")}).CRL(2, now)} {
		if got, err := f.CRL(t.Context(), h.URL); err != nil || !bytes.Equal(got, genuine) {
			t.Errorf("%q, %v", got, err)
		}
	}
	f.Keep(h.URL)
	if got, ok := (kept{p.dir}).load(h.URL); !ok || !bytes.Equal(got.data, genuine) {
		t.Errorf("kept %q", got.data)
	}
}

func TestListsOfTwoIssuersAreKept(t *testing.T) {
	p, h := newPKI(t), serve(t)
	h.crl = append(p.issuer.CRL(1, now), p.root.CRL(1, now)...)
	for range 2 {
		tr := transport.New(transport.Config{Attempts: 1, AllowLoopback: true})
		t.Cleanup(tr.CloseIdle)
		at := now.Add(time.Hour)
		c, err := revocation.NewChecker(revocation.Config{
			URLs: []string{h.URL}, Pool: p.pool, Now: at,
			Sources: New(Config{Transport: tr, Named: []string{h.URL}, Dir: p.dir, Now: at}),
		})
		if err != nil {
			t.Fatal(err)
		}
		p.want(c.Check(t.Context(), p.path, 0), revocation.Good)
		p.want(c.Check(t.Context(), p.path, 1), revocation.Good)
	}
	if h.asked != 1 {
		t.Errorf("asked %d times, want once", h.asked)
	}
}

func TestUnreachable(t *testing.T) {
	p, h := newPKI(t), serve(t)
	h.crl, h.broken = p.issuer.CRL(1, now), true
	if a := p.run(now.Add(time.Hour), h.URL, 0); a.Status != revocation.Unknown || !a.Heals {
		t.Errorf("%+v", a)
	}
	h.broken = false
	p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Good)
	h.broken = true
	at := now.AddDate(0, 0, 8)
	p.want(p.run(at, h.URL, 0), revocation.Unknown)
	p.want(p.run(at, h.URL, 48*time.Hour), revocation.Good) // policy's grace
}

func TestSpoiltListIsFetchedAgain(t *testing.T) {
	p, h := newPKI(t), serve(t)
	h.crl = p.issuer.CRL(1, now)
	p.want(p.run(now.Add(time.Hour), h.URL, 0), revocation.Good)
	file := filepath.Join(p.name, nameOf(h.URL)+dataSuffix)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte("A"), []byte("B"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	p.want(p.run(now.Add(2*time.Hour), h.URL, 0), revocation.Good)
	if h.sent != 2 {
		t.Errorf("sent %d times, want 2", h.sent)
	}
}

// What a certificate names leads to no address of this machine or network.
func TestCertificatesChooseNoLocalAddress(t *testing.T) {
	asked := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(s.Close)
	tr := transport.New(transport.Config{Attempts: 1})
	t.Cleanup(tr.CloseIdle)
	f := New(Config{Transport: tr, Now: now})
	for _, at := range []string{s.URL, "http://169.254.169.254/latest", "http://user:secret@example.com/x", "ldap://example.com/x"} {
		_, err1 := f.CRL(t.Context(), at)
		_, err2 := f.OCSP(t.Context(), at, []byte("x"))
		for _, err := range []error{err1, err2} {
			var u *graph.UnavailableError
			if !errors.As(err, &u) || u.Reason.Heals() || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", at, err)
			}
		}
	}
	if asked {
		t.Error("this machine was asked")
	}
}
