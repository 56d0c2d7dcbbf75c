package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// Bounds of an RSA key. Larger ones only make verifiers slow.
const (
	MinRSABits = 3072
	MaxRSABits = 8192
)

// CheckKey refuses a public key that no worker's certificate may hold: it must
// be Ed25519, ECDSA on P-256 or P-384, or RSA of MinRSABits to MaxRSABits.
func CheckKey(public crypto.PublicKey) error {
	const want = "want Ed25519, P-256, P-384 or RSA of at least 3072 bits"
	switch k := public.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return nil
		}
		return fmt.Errorf("an ECDSA key on %s: %s", k.Curve.Params().Name, want)
	case *rsa.PublicKey:
		switch {
		case k.N.BitLen() < MinRSABits:
			return fmt.Errorf("an RSA key of %d bits: %s", k.N.BitLen(), want)
		case k.N.BitLen() > MaxRSABits:
			return fmt.Errorf("an RSA key of %d bits: want at most %d", k.N.BitLen(), MaxRSABits)
		case k.E < 65537:
			return fmt.Errorf("an RSA key with the exponent %d: want at least 65537", k.E)
		}
		return nil
	}
	return fmt.Errorf("a key of type %T: %s", public, want)
}

// KeyName names a key's kind for a person.
func KeyName(public crypto.PublicKey) string {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return "Ed25519"
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	}
	return fmt.Sprintf("%T", public)
}

// CheckLeaf holds a certificate to the profile of workers: CA:FALSE, key usage
// digitalSignature, extended key usage codeSigning, exactly one URI among the
// subject's alternative names, and that a SPIFFE ID. It gives the ID. Time,
// issuer and signature are not looked at.
func CheckLeaf(c *x509.Certificate) (spiffeid.ID, error) {
	var id spiffeid.ID
	switch {
	case c.Version != 3:
		return id, fmt.Errorf("a certificate of version %d: want 3", c.Version)
	case c.IsCA:
		return id, fmt.Errorf("a certificate of a CA: want CA:FALSE")
	case c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return id, fmt.Errorf("its key usage lacks digitalSignature")
	case c.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0:
		return id, fmt.Errorf("its key usage has keyCertSign or cRLSign, which are for CAs")
	case !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageCodeSigning):
		return id, fmt.Errorf("its extended key usage lacks codeSigning")
	case len(c.UnhandledCriticalExtensions) > 0:
		return id, fmt.Errorf("the critical extension %s is not known", c.UnhandledCriticalExtensions[0])
	case len(c.URIs) != 1:
		return id, fmt.Errorf("%d URIs among its alternative names: want exactly one, a SPIFFE ID", len(c.URIs))
	}
	if err := CheckKey(c.PublicKey); err != nil {
		return id, err
	}
	id, err := spiffeid.FromURI(c.URIs[0])
	if err != nil {
		return id, fmt.Errorf("%.300q is not a SPIFFE ID: %w", c.URIs[0], err)
	}
	return id, nil
}
