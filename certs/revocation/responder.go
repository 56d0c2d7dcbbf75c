package revocation

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // a responderID names a key by it
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// maxResponders bounds the OCSP responders of one certificate.
const maxResponders = 4

// askResponders asks the OCSP responders that the certificate names.
func (w *walk) askResponders(s *subject, t *tally) {
	id, err := newCertID(s)
	if err != nil {
		t.note("OCSP", err.Error())
		return
	}
	request, err := id.request()
	if err != nil {
		t.note("OCSP", err.Error())
		return
	}
	n := 0
	for _, u := range s.cert.OCSPServer {
		if !isHTTP(u) {
			continue
		}
		if n++; n > maxResponders {
			return
		}
		who := "OCSP responder " + urlText(u)
		der, err := w.checker.responses.do(w.ctx, u+"\x00"+string(request), func() ([]byte, error) {
			return w.checker.config.Sources.OCSP(w.ctx, u, request)
		})
		if err != nil {
			t.unavailable(who, err)
			continue
		}
		r, err := parseOCSP(der)
		if err != nil {
			var status statusError
			t.heals = t.heals || (errors.As(err, &status) && status.heals())
			t.note(who, err.Error())
			continue
		}
		if v := w.responder(r, s); v.why != "" {
			t.heals = t.heals || v.heals
			t.note(who, v.why)
			continue
		}
		w.checker.take(r, id, s, who, t)
	}
}

// take adds what a verified answer says of the certificate. As with lists,
// revoked counts whatever else is wrong.
func (c *Checker) take(r *response, id certID, s *subject, who string, t *tally) {
	found := false
	for _, a := range r.answers {
		if !a.sha1 || !a.id.equal(id) {
			continue
		}
		found = true
		if a.status == Revoked {
			a.revocation.Source = who
			t.revocations = addRevocation(t.revocations, a.revocation)
		}
		switch why := c.unfit(r, a, s); {
		case a.status == Unknown:
			t.note(who, "it does not know the certificate")
		case why != "":
			t.note(who, why)
		default:
			t.good = true
		}
	}
	if !found {
		t.note(who, "its answer is for other certificates")
	}
}

// unfit tells why an answer makes nothing good, "" if it does.
func (c *Checker) unfit(r *response, a single, s *subject) string {
	switch {
	case r.unknown != "":
		return r.unknown + " is not understood"
	case a.unknown != "":
		return a.unknown + " is not understood"
	case r.producedAt.After(c.config.Now.Add(skew)):
		return fmt.Sprintf("it is of %s, after %s", stamp(r.producedAt), stamp(c.config.Now))
	case a.status == Good && c.expired(s) && (a.archive.IsZero() || a.archive.After(s.cert.NotAfter)):
		return fmt.Sprintf("the certificate expired on %s, and the answer has no archiveCutoff that reaches back to it", stamp(s.cert.NotAfter))
	}
	return c.stale(a.thisUpdate, a.nextUpdate, 0, true)
}

// responder tells whether the answer is signed by the certificate's issuer, or
// by who it delegates to (RFC 6960 §4.2.2.2).
func (w *walk) responder(r *response, s *subject) signerVerdict {
	issuers := s.chain[1:]
	if r.isOf(issuers[0]) {
		if err := validAt(issuers, w.checker.config.Now); err != nil {
			return signerVerdict{why: "its signer: " + err.Error()}
		}
		err := pkix.CheckSignature(issuers[0].PublicKey, r.algorithm, r.tbs, r.signature)
		if err == nil {
			return signerVerdict{}
		}
		if len(r.certificates) == 0 {
			return signerVerdict{why: fmt.Sprintf("not signed by %s: %v", pkix.Describe(issuers[0]), err)}
		}
	}
	v := signerVerdict{why: "no certificate of its signer is at hand"}
	heals := false
	for _, c := range r.certificates {
		if !r.isOf(c) {
			continue
		}
		if err := pkix.CheckSignature(c.PublicKey, r.algorithm, r.tbs, r.signature); err != nil {
			v = signerVerdict{why: fmt.Sprintf("not signed by %s: %v", pkix.Describe(c), err)}
			continue
		}
		v = w.vouched(c, voucher{
			usage: pkix.OCSPSigning, issuers: issuers,
			pool:            w.checker.config.Pool.With(slices.Concat(issuers, r.certificates)),
			speaksForItself: hasExtension(c, oidOCSPNoCheck),
			accept: func(path []*x509.Certificate) error {
				if len(path) < 2 || !bytes.Equal(path[1].RawSubjectPublicKeyInfo, issuers[0].RawSubjectPublicKeyInfo) || !readName(path[1].RawSubject).equal(s.issuer) {
					return errors.New("it is not issued by the certificate's issuer, who alone can delegate")
				}
				return nil
			},
		})
		if v.why == "" {
			return v
		}
		heals = heals || v.heals
	}
	v.heals = heals
	return v
}

// isOf tells whether the responderID names the certificate.
func (r *response) isOf(c *x509.Certificate) bool {
	if r.responderKey == nil {
		return r.responderName.equal(readName(c.RawSubject))
	}
	key, err := keyBits(c)
	if err != nil {
		return false
	}
	hash := sha1.Sum(key) //nolint:gosec // see above
	return bytes.Equal(r.responderKey, hash[:])
}
