package revocation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// signerID is a list, as it is to be judged for certificates of one issuer.
type signerID struct {
	list   *CRL
	issuer chainID
	itself chainID // of a certificate that may be the list's signer
}

// signerVerdict is why a list's signer does not hold; "" if it does.
type signerVerdict struct {
	why   string
	heals bool
}

// signer tells whether the list is signed by its issuer, as one that the
// certificate's root vouches for (RFC 5280 §6.3.3 (f) and (g)).
func (w *walk) signer(l *CRL, s *subject) signerVerdict {
	id := signerID{list: l, issuer: idOf(s.chain[1:])}
	if s.namesItself() {
		id.itself = idOf(s.chain)
	}
	w.checker.mu.Lock()
	v, ok := w.checker.signers[id]
	w.checker.mu.Unlock()
	if ok {
		return v
	}
	before := w.cut
	w.cut = false
	v = w.findSigner(l, s)
	if !w.cut && w.ctx.Err() == nil {
		w.checker.mu.Lock()
		w.checker.signers[id] = v
		w.checker.mu.Unlock()
	}
	w.cut = w.cut || before
	return v
}

// maxSigners bounds the certificates that are tried for one list.
const maxSigners = 32

func (w *walk) findSigner(l *CRL, s *subject) signerVerdict {
	issuers := s.chain[1:]
	own := l.issuer.equal(s.issuer)
	v := signerVerdict{why: "no certificate of its issuer is at hand"}
	signed, heals := false, false
	for i, c := range w.candidates(l, issuers) {
		if i == maxSigners {
			return signerVerdict{why: "too many certificates have its issuer's name", heals: heals}
		}
		switch err := w.checker.checkSignature(w.ctx, l, c); {
		case err != nil && signed:
			// Why the certificate that did sign is not accepted says more.
			continue
		case err != nil:
			v = signerVerdict{why: fmt.Sprintf("not signed by %s: %v", pkix.Describe(c), err)}
			continue
		}
		signed = true
		switch {
		case !maySignCRLs(c):
			v = signerVerdict{why: fmt.Sprintf("its signer %s may not sign CRLs: no cRLSign in its key usage", pkix.Describe(c))}
		case own && c.Equal(issuers[0]):
			// The issuer on the path is the caller's to validate, apart from now.
			v = signerVerdict{}
			if err := validAt(issuers, w.checker.config.Now); err != nil {
				v.why = "its signer: " + err.Error()
			}
		default:
			v = w.vouched(c, voucher{
				usage: pkix.CRLSigning, pool: w.checker.config.Pool.With(issuers), issuers: issuers,
				speaksForItself: c.Equal(s.cert) && s.namesItself(),
				accept: func(path []*x509.Certificate) error {
					if own && !sameAuthority(path, issuers) {
						return errors.New("it has the name of the certificate's issuer, but is another authority's")
					}
					return nil
				},
			})
		}
		if v.why == "" {
			return v
		}
		heals = heals || v.heals
	}
	v.heals = heals
	return v
}

// candidates are the certificates with the list's issuer as subject: those of
// the path, then the pool's; those first that authorityKeyIdentifier names.
func (w *walk) candidates(l *CRL, issuers []*x509.Certificate) []*x509.Certificate {
	var out []*x509.Certificate
	for _, c := range slices.Concat(issuers, w.checker.config.Pool.Named(l.issuer.key)) {
		if l.issuer.equal(readName(c.RawSubject)) && !slices.ContainsFunc(out, c.Equal) {
			out = append(out, c)
		}
	}
	if id := l.signerKeyID(); id != nil {
		slices.SortStableFunc(out, func(a, b *x509.Certificate) int {
			return named(b, id) - named(a, id)
		})
	}
	return out
}

func named(c *x509.Certificate, keyID []byte) int {
	if bytes.Equal(c.SubjectKeyId, keyID) {
		return 1
	}
	return 0
}

// signerKeyID is the keyIdentifier of the authorityKeyIdentifier, nil if none.
func (l *CRL) signerKeyID() []byte {
	in := cryptobyte.String(l.keyID)
	var seq, id cryptobyte.String
	var has bool
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadOptionalASN1(&id, &has, primitive(0)) || !has {
		return nil
	}
	return id
}

// signatureID is a list under a key.
type signatureID struct {
	list *CRL
	key  [sha256.Size]byte
}

// checkSignature verifies a list under the key of c, once for each key.
func (c *Checker) checkSignature(ctx context.Context, l *CRL, signer *x509.Certificate) error {
	id := signatureID{l, sha256.Sum256(signer.RawSubjectPublicKeyInfo)}
	_, err := c.signatures.do(ctx, id, func() (struct{}, error) {
		return struct{}{}, pkix.CheckSignature(signer.PublicKey, l.algorithm, l.tbs, l.signature)
	})
	return err
}

// namesItself tells whether the certificate's issuer refers for its status to a
// list that the certificate's own key signs: its cRLIssuer is its subject. Nobody
// else knows more, so such a list counts for it.
func (s *subject) namesItself() bool {
	for _, p := range s.points {
		if p.issuedBy(readName(s.cert.RawSubject)) {
			return true
		}
	}
	return false
}

// voucher is what a signer's path has to have.
type voucher struct {
	usage   pkix.Usage
	pool    *pkix.Pool
	issuers []*x509.Certificate // of the certificate in question: the path ends in the same root
	accept  func(path []*x509.Certificate) error
	// speaksForItself: the signer's own certificate needs no answer.
	speaksForItself bool
}

// vouched tells whether a signer has a path to the root of the certificate in
// question that is accepted, valid now and without a revoked certificate.
func (w *walk) vouched(c *x509.Certificate, o voucher) signerVerdict {
	who := "its signer " + pkix.Describe(c)
	paths, err := o.pool.Paths(c, o.usage)
	if err != nil {
		return signerVerdict{why: fmt.Sprintf("%s: %v", who, err)}
	}
	v := signerVerdict{why: who + " has no path to the certificate's root"}
	for _, p := range paths {
		path := p.Certificates()
		if !path[len(path)-1].Equal(o.issuers[len(o.issuers)-1]) {
			continue
		}
		err := p.ValidAt(w.checker.config.Now)
		if err == nil {
			err = o.accept(path)
		}
		if err != nil {
			v = signerVerdict{why: fmt.Sprintf("%s: %v", who, err)}
			continue
		}
		if v = w.allGood(who, path, o); v.why == "" {
			return v
		}
	}
	return v
}

// allGood asks for every certificate of a signer's path below the root, but for
// those that the caller has to ask for anyway.
func (w *walk) allGood(who string, path []*x509.Certificate, o voucher) signerVerdict {
	for i, c := range path[:len(path)-1] {
		if slices.ContainsFunc(o.issuers, c.Equal) || (i == 0 && o.speaksForItself) {
			continue
		}
		switch a := w.check(path[i:]); a.Status {
		case Good:
		case Revoked:
			return signerVerdict{why: fmt.Sprintf("%s: %s is revoked", who, pkix.Describe(c))}
		default:
			return signerVerdict{why: fmt.Sprintf("%s: nothing says that %s is not revoked: %s", who, pkix.Describe(c), a.Why), heals: a.Heals}
		}
	}
	return signerVerdict{}
}

// sameAuthority tells whether two paths are of one CA, though with another key
// or a self-issued certificate: under the root, the same names issued each
// other. Without it any CA could certify its own key under another's name.
func sameAuthority(a, b []*x509.Certificate) bool {
	x, y := names(a), names(b)
	return slices.EqualFunc(x, y, distinguishedName.equal)
}

// names are the subjects along a path; self-issued certificates add none.
func names(path []*x509.Certificate) []distinguishedName {
	var out []distinguishedName
	for _, c := range path {
		if n := readName(c.RawSubject); len(out) == 0 || !n.equal(out[len(out)-1]) {
			out = append(out, n)
		}
	}
	return out
}

func validAt(chain []*x509.Certificate, now time.Time) error {
	for _, c := range chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return fmt.Errorf("%s is valid from %s to %s, not at %s", pkix.Describe(c), stamp(c.NotBefore), stamp(c.NotAfter), stamp(now))
		}
	}
	return nil
}
