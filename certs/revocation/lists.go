package revocation

import (
	"fmt"
	"net/url"
	"time"
)

// source is a list and where it is from; the zero url is a given one.
type source struct {
	*CRL
	url string
}

func (s source) String() string {
	if s.url == "" {
		return s.CRL.String()
	}
	return fmt.Sprintf("%s (from %s)", s.CRL, urlText(s.url))
}

// gather gives all lists that may speak on a certificate, given and fetched.
func (w *walk) gather(s *subject, t *tally) []source {
	c := w.checker.config
	var out []source
	for _, l := range c.CRLs {
		out = append(out, source{CRL: l})
	}
	seen := map[string]bool{}
	fetch := func(u string) {
		if seen[u] {
			return
		}
		seen[u] = true
		lists, err := w.checker.lists.do(w.ctx, u, func() ([]*CRL, error) {
			data, err := c.Sources.CRL(w.ctx, u)
			if err != nil {
				return nil, err
			}
			return ParseCRLs(data)
		})
		if err != nil {
			t.unavailable("CRL "+urlText(u), err)
			return
		}
		for _, l := range lists {
			out = append(out, source{l, u})
		}
	}
	for _, u := range c.URLs {
		fetch(u)
	}
	if c.DistributionPoints {
		for _, u := range pointURLs(s) {
			fetch(u)
		}
	}
	return out
}

// maxURLs bounds what one certificate can make us fetch.
const maxURLs = 8

// pointURLs gives where a certificate says that its lists are.
func pointURLs(s *subject) []string {
	var out []string
	for _, p := range append(s.points[:len(s.points):len(s.points)], s.fresh...) {
		for _, u := range uris(p.name.names) {
			if isHTTP(u) && len(out) < maxURLs {
				out = append(out, u)
			}
		}
	}
	return out
}

func isHTTP(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func urlText(u string) string { return fmt.Sprintf("%.200q", u) }

// statement is what one verified list says of a certificate.
type statement struct {
	source
	covered reasons
	revoked []Revocation
	removed bool   // a delta has removeFromCRL and nothing else
	unfit   string // why it makes nothing good, whatever its age
	stale   string // why its age is wrong
}

func (s *statement) counts() bool { return s.unfit == "" && s.stale == "" }

// askLists puts together what all lists say (RFC 5280 §6.3.3). A list whose
// signer holds and that has the certificate says revoked, whatever else is
// wrong with the list.
func (w *walk) askLists(s *subject, sources []source, t *tally) {
	var all []*statement
	for _, l := range sources {
		if !l.speaksFor(s) {
			continue
		}
		if v := w.signer(l.CRL, s); v.why != "" {
			t.heals = t.heals || v.heals
			t.note(l.String(), v.why)
			continue
		}
		all = append(all, w.checker.read(l, s))
	}
	w.checker.keep(all, sources)
	var covered reasons
	for _, st := range all {
		for _, r := range st.revoked {
			if r.Reason != CertificateHold || !lifted(st, all) {
				t.revocations = addRevocation(t.revocations, r)
			}
		}
		switch {
		case st.base != nil:
			if !st.counts() {
				t.note(st.String(), st.unfit+st.stale)
			}
		case st.unfit != "":
			t.note(st.String(), st.unfit)
		case st.stale != "" && !refreshed(st, all):
			t.note(st.String(), st.stale)
		default:
			covered |= st.covered
			if st.covered != allReasons {
				t.note(st.String(), "it speaks of some reasons only")
			}
		}
	}
	t.good = t.good || covered == allReasons
}

// keep tells a Keeper of the URLs all of whose lists were found to hold: one
// that is forged may stand beside one that is not.
func (c *Checker) keep(verified []*statement, sources []source) {
	keeper, ok := c.config.Sources.(Keeper)
	if !ok {
		return
	}
	whole := map[string]bool{}
	c.mu.Lock()
	for _, st := range verified {
		if st.url != "" {
			c.held[st.CRL] = true
			whole[st.url] = true
		}
	}
	for _, l := range sources {
		if !c.held[l.CRL] {
			delete(whole, l.url)
		}
	}
	c.mu.Unlock()
	for u := range whole {
		keeper.Keep(u)
	}
}

// read takes from a verified list what it says of a certificate.
func (c *Checker) read(l source, s *subject) *statement {
	st := &statement{source: l}
	l.entries.lookup(s.serial, func(e rawEntry, issuer []byte) {
		if issuer == nil {
			// RFC 5280 §5.3.3: until an entry says otherwise, the list's issuer.
			if !l.issuer.equal(s.issuer) {
				return
			}
		} else if names, err := readNames(issuer); err != nil || !intersect(names, []generalName{{directory: s.issuer}}) {
			return
		}
		d, err := e.details()
		switch {
		case err != nil:
		case d.reason == RemoveFromCRL && l.base != nil:
			st.removed = true
		default:
			st.revoked = addRevocation(st.revoked, Revocation{d.reason, e.date, orNil(d.invalidity), l.String()})
		}
	})
	st.removed = st.removed && len(st.revoked) == 0
	st.covered, st.unfit = l.covers(s)
	switch {
	case l.flaw != "":
		st.unfit = l.flaw
	case st.unfit == "" && l.base == nil && len(st.revoked) == 0 && c.expired(s) && !c.config.KeepsExpired:
		if l.keepsExpired.IsZero() || l.keepsExpired.After(s.cert.NotAfter) {
			st.unfit = fmt.Sprintf("the certificate expired on %s, and the list does not say that it keeps such entries", stamp(s.cert.NotAfter))
		}
	}
	st.stale = c.stale(l.thisUpdate, l.nextUpdate, c.config.Grace, l.url != "")
	return st
}

// skew is how far ahead the clock of somebody who answered just now may be.
const skew = 5 * time.Minute

// stale says what is wrong with the age of a list or an answer, "" if nothing.
// What is fetched may have been made after the run began.
func (c *Checker) stale(thisUpdate, nextUpdate time.Time, grace time.Duration, fetched bool) string {
	now := c.config.Now
	latest := now
	if fetched {
		latest = now.Add(skew)
	}
	switch {
	case thisUpdate.After(latest):
		return fmt.Sprintf("it is of %s, after %s", stamp(thisUpdate), stamp(now))
	case nextUpdate.IsZero():
		return "it does not say when the next one is due"
	case now.After(nextUpdate.Add(grace)):
		return fmt.Sprintf("it expired on %s, before %s", stamp(nextUpdate), stamp(now))
	}
	return ""
}
