package authority

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/mozilla-releng/cot/certs/revocation"
)

// Revoked is an entry of a revocation list. A zero InvalidSince says nothing of
// when the key fell into other hands.
type Revoked struct {
	Serial       *big.Int
	At           time.Time
	Reason       revocation.Reason
	InvalidSince time.Time
}

// List says what a revocation list is to be.
type List struct {
	Number     *big.Int
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    []Revoked // all that the issuer ever revoked, expired ones too
}

var (
	oidInvalidityDate    = asn1.ObjectIdentifier{2, 5, 29, 24} // RFC 5280 §5.3.2
	oidExpiredCertsOnCRL = asn1.ObjectIdentifier{2, 5, 29, 60} // X.509 §9.5.2.8
)

// CRL signs a complete revocation list (RFC 5280 §5) in DER. It says that it
// keeps entries of expired certificates from the issuer's first second on.
func (i *Issuer) CRL(l List, rand io.Reader) ([]byte, error) {
	switch {
	case l.Number == nil || l.Number.Sign() <= 0:
		return nil, errors.New("a CRL needs a number above 0")
	case !l.NextUpdate.After(l.ThisUpdate):
		return nil, fmt.Errorf("a CRL from %s until %s would never be valid", stamp(l.ThisUpdate), stamp(l.NextUpdate))
	}
	keeps, err := asn1.MarshalWithParams(i.certificate.NotBefore.UTC().Truncate(time.Second), "generalized")
	if err != nil {
		return nil, err
	}
	t := &x509.RevocationList{
		Number: l.Number, ThisUpdate: l.ThisUpdate.UTC(), NextUpdate: l.NextUpdate.UTC(),
		ExtraExtensions: []pkix.Extension{{Id: oidExpiredCertsOnCRL, Value: keeps}},
	}
	for _, r := range l.Entries {
		e := x509.RevocationListEntry{SerialNumber: r.Serial, RevocationTime: r.At.UTC(), ReasonCode: int(r.Reason)}
		if !r.InvalidSince.IsZero() {
			since, err := asn1.MarshalWithParams(r.InvalidSince.UTC().Truncate(time.Second), "generalized")
			if err != nil {
				return nil, err
			}
			e.ExtraExtensions = []pkix.Extension{{Id: oidInvalidityDate, Value: since}}
		}
		t.RevokedCertificateEntries = append(t.RevokedCertificateEntries, e)
	}
	slices.SortFunc(t.RevokedCertificateEntries, func(a, b x509.RevocationListEntry) int {
		return a.SerialNumber.Cmp(b.SerialNumber)
	})
	der, err := x509.CreateRevocationList(rand, t, i.certificate, i.key)
	if err != nil {
		return nil, fmt.Errorf("sign the CRL: %w", err)
	}
	return der, nil
}
