package certs

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/graph"
)

// identityOf gives a certificate's SPIFFE ID: its only URI (SPIFFE X.509-SVID
// §2), in the trust domain.
func identityOf(c *x509.Certificate, trustDomain string) (spiffeid.ID, *Failure) {
	refuse := func(message, want, got string) (spiffeid.ID, *Failure) {
		return spiffeid.ID{}, &Failure{Cause: SignerUnauthorized, Message: message, Want: want, Got: got}
	}
	uris, err := uriNames(c)
	if err != nil || len(uris) != 1 {
		return refuse("the signer's certificate does not name exactly one identity",
			"one URI among the subject's alternative names, a SPIFFE ID", fmt.Sprintf("%d URIs", len(uris)))
	}
	text := uris[0]
	id, err := spiffeid.FromString(text)
	switch {
	case err != nil || id.String() != text:
		if err == nil {
			err = errors.New("it is not in canonical form")
		}
		return refuse("the identity of the signer's certificate is no SPIFFE ID: "+err.Error(), "spiffe://"+trustDomain+"/…", clip(text))
	case id.TrustDomain().Name() != trustDomain:
		return refuse("the signer's certificate is of another trust domain", trustDomain, clip(id.TrustDomain().Name()))
	}
	return id, nil
}

// uriNames gives the URIs among the subject's alternative names as they stand in
// the certificate: net/url, which crypto/x509 uses, forgets how a scheme was
// written and that there was an empty fragment.
func uriNames(c *x509.Certificate) ([]string, error) {
	malformed := errors.New("malformed subject alternative names")
	var out []string
	for _, e := range c.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		list := cryptobyte.String(e.Value)
		var names cryptobyte.String
		if !list.ReadASN1(&names, cbasn1.SEQUENCE) || !list.Empty() {
			return nil, malformed
		}
		for !names.Empty() {
			var name cryptobyte.String
			var tag cbasn1.Tag
			if !names.ReadAnyASN1(&name, &tag) {
				return nil, malformed
			}
			if tag == cbasn1.Tag(6).ContextSpecific() { // uniformResourceIdentifier, RFC 5280 §4.2.1.6
				out = append(out, string(name))
			}
		}
	}
	return out, nil
}

// authorized decides whether an identity may sign for the worker.
func (a *authority) authorized(id spiffeid.ID, w Worker) *Failure {
	if w.voucher != "" {
		return vouches(id, w)
	}
	pool := "/worker-pool/" + w.Pool.String()
	worker := pool + "/worker/" + w.WorkerGroup + "/" + w.WorkerID
	mapped := false
	for _, m := range a.Identities {
		mapped = mapped || m.SPIFFEID == id.String() && graph.AnyPool(m.Pools, w.Pool)
	}
	own := id.Path() == worker
	switch {
	case own:
		return nil
	case graph.AnyPool(a.WorkerIdentityRequired, w.Pool):
		return &Failure{
			Cause: SignerUnauthorized, Message: fmt.Sprintf("policy wants an identity of the very worker in pool %s", w.Pool),
			Want: "spiffe://" + a.TrustDomain + worker, Got: id.String(),
		}
	case id.Path() == pool, mapped:
		return nil
	}
	want := "spiffe://" + a.TrustDomain + pool
	if strings.HasPrefix(id.Path(), pool+"/worker/") {
		want = "spiffe://" + a.TrustDomain + worker
	}
	return &Failure{
		Cause: SignerUnauthorized, Message: "the signer's certificate is not for the worker that ran the task",
		Want: want, Got: id.String(), Hint: "signers.certificates.identities maps other SPIFFE IDs to pools",
	}
}

// limited tells whether each root and intermediate of the path may vouch for
// the worker's pool.
func (a *authority) limited(p pkix.Path, w Worker) *Failure {
	if w.voucher != "" {
		return a.limitedVoucher(p, w)
	}
	pool := w.Pool
	for _, c := range p.Certificates()[1:] {
		for _, anchor := range a.limits[CertificateKeyID(c)] {
			if !anchor.covers(pool) {
				return &Failure{
					Cause: SignerUnauthorized, Message: fmt.Sprintf("policy does not let %s vouch for workers of pool %s", pkix.Describe(c), pool),
					Want: patterns(anchor.Pools), Got: pool.String(),
				}
			}
		}
	}
	return nil
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:197] + "..."
	}
	return s
}
