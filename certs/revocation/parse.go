package revocation

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds on a file of lists.
const (
	MaxCRLs     = 1024
	MaxCRLBytes = 256 << 20 // offsets into a list fit 32 bits
)

// Extensions of a CRL (RFC 5280 §5.2, X.509 §9.5.2.8).
const (
	idIssuerAltName        = "\x55\x1d\x12"
	idCRLNumber            = "\x55\x1d\x14"
	idDeltaCRLIndicator    = "\x55\x1d\x1b"
	idIssuingDistribution  = "\x55\x1d\x1c"
	idAuthorityKeyID       = "\x55\x1d\x23"
	idFreshestCRL          = "\x55\x1d\x2e"
	idExpiredCertsOnCRL    = "\x55\x1d\x3c"
	idAuthorityInfoAccess  = "\x2b\x06\x01\x05\x05\x07\x01\x01"
	idCRLDistributionPoint = "\x55\x1d\x1f" // of a certificate
)

// ParseCRLs reads all CRLs of a file: PEM with any number of X509 CRL blocks and
// text between them (RFC 7468 §2), or one or several CRLs in DER. Any other block
// and anything broken is an error, and so is a file without any. The result refers
// to data, which must not change after; a million entries take 8 MB beside it.
func ParseCRLs(data []byte) ([]*CRL, error) {
	if len(data) > MaxCRLBytes {
		return nil, fmt.Errorf("a file of CRLs has %d bytes, want at most %d", len(data), MaxCRLBytes)
	}
	if len(data) > 0 && data[0] == 0x30 {
		return parseDER(data)
	}
	return parsePEM(data)
}

func parseDER(data []byte) ([]*CRL, error) {
	var out []*CRL
	for in := cryptobyte.String(data); !in.Empty(); {
		if len(out) == MaxCRLs {
			return nil, fmt.Errorf("more than %d CRLs", MaxCRLs)
		}
		var der cryptobyte.String
		if !in.ReadASN1Element(&der, asn1.SEQUENCE) {
			return nil, fmt.Errorf("CRL %d: not DER, or cut short", len(out)+1)
		}
		l, err := parseCRL(der)
		if err != nil {
			return nil, fmt.Errorf("CRL %d: %w", len(out)+1, err)
		}
		out = append(out, l)
	}
	return out, nil
}

func parsePEM(data []byte) ([]*CRL, error) {
	// pem.Decode passes over broken blocks; their boundaries give them away.
	begin, end := []byte("-----BEGIN"), []byte("-----END")
	blocks := bytes.Count(data, begin)
	switch {
	case blocks == 0:
		return nil, errors.New("no CRL: want PEM blocks X509 CRL, or DER")
	case blocks > MaxCRLs:
		return nil, fmt.Errorf("more than %d PEM blocks", MaxCRLs)
	case blocks != bytes.Count(data, end):
		return nil, errors.New("a PEM block does not end, or does not begin")
	}
	out := make([]*CRL, 0, blocks)
	for i := range blocks {
		block, rest := pem.Decode(data)
		switch {
		case block == nil || bytes.Count(data[:len(data)-len(rest)], begin) != 1:
			return nil, fmt.Errorf("PEM block %d is broken", i+1)
		case block.Type != "X509 CRL":
			return nil, fmt.Errorf("PEM block %d: want X509 CRL, found %.40q", i+1, block.Type)
		case len(block.Headers) > 0:
			return nil, fmt.Errorf("PEM block %d has headers (RFC 7468 §2)", i+1)
		}
		l, err := parseCRL(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("CRL %d: %w", i+1, err)
		}
		out, data = append(out, l), rest
	}
	return out, nil
}

// parseCRL reads one CertificateList (RFC 5280 §5.1).
func parseCRL(der []byte) (*CRL, error) {
	in := cryptobyte.String(der)
	var list, tbs, algorithm, signature cryptobyte.String
	var unused uint8
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() ||
		!list.ReadASN1Element(&tbs, asn1.SEQUENCE) ||
		!list.ReadASN1Element(&algorithm, asn1.SEQUENCE) ||
		!list.ReadASN1(&signature, asn1.BIT_STRING) || !signature.ReadUint8(&unused) || unused != 0 || !list.Empty() {
		return nil, errors.New("not a CertificateList in DER")
	}
	l := &CRL{tbs: tbs, algorithm: algorithm, signature: signature}
	if err := l.parseTBS(tbs); err != nil {
		return nil, err
	}
	return l, nil
}

// parseTBS reads a TBSCertList (RFC 5280 §5.1.2).
func (l *CRL) parseTBS(in cryptobyte.String) error {
	var tbs, algorithm, issuer cryptobyte.String
	if !in.ReadASN1(&tbs, asn1.SEQUENCE) {
		return errors.New("the TBSCertList is malformed")
	}
	v2 := false
	if tbs.PeekASN1Tag(asn1.INTEGER) {
		var version cryptobyte.String
		if !readInteger(&tbs, &version) || !bytes.Equal(version, []byte{1}) {
			return fmt.Errorf("version: want v2 or none (v1), found %x", []byte(version))
		}
		v2 = true
	}
	if !tbs.ReadASN1Element(&algorithm, asn1.SEQUENCE) || !bytes.Equal(algorithm, l.algorithm) {
		return errors.New("the signature algorithm inside differs from the one outside")
	}
	if !tbs.ReadASN1Element(&issuer, asn1.SEQUENCE) || len(issuer) <= 2 {
		return errors.New("the issuer is malformed or empty")
	}
	l.issuer = readName(issuer)
	var ok bool
	if l.thisUpdate, ok = readTime(&tbs); !ok {
		return errors.New("thisUpdate is malformed")
	}
	if tbs.PeekASN1Tag(asn1.UTCTime) || tbs.PeekASN1Tag(asn1.GeneralizedTime) {
		if l.nextUpdate, ok = readTime(&tbs); !ok {
			return errors.New("nextUpdate is malformed")
		}
		if l.nextUpdate.Before(l.thisUpdate) {
			return errors.New("nextUpdate is before thisUpdate")
		}
	}
	if tbs.PeekASN1Tag(asn1.SEQUENCE) {
		var revoked cryptobyte.String
		if !tbs.ReadASN1(&revoked, asn1.SEQUENCE) {
			return errors.New("revokedCertificates is malformed")
		}
		var err error
		if l.entries, err = parseEntries(revoked, v2); err != nil {
			return err
		}
		l.flaw = l.entries.flaw
	}
	if tbs.PeekASN1Tag(constructed(0)) {
		if err := l.parseExtensions(&tbs, v2); err != nil {
			return err
		}
	}
	if !tbs.Empty() {
		return errors.New("the TBSCertList has trailing data")
	}
	switch {
	case l.flaw != "":
	case l.number == nil:
		l.flaw = "it has no CRL number (RFC 5280 §5.2.3)"
	case l.entries.issuers != nil && !l.scope.indirect:
		l.flaw = "it is not indirect, but has entries for another issuer (RFC 5280 §5.3.3)"
	}
	return nil
}

// parseExtensions reads crlExtensions [0] (RFC 5280 §5.2).
func (l *CRL) parseExtensions(tbs *cryptobyte.String, v2 bool) error {
	var outer, inner cryptobyte.String
	if !v2 {
		return errors.New("a v1 CRL has extensions")
	}
	if !tbs.ReadASN1(&outer, constructed(0)) || !outer.ReadASN1(&inner, asn1.SEQUENCE) || !outer.Empty() {
		return errors.New("crlExtensions is malformed")
	}
	all, err := readExtensions(inner, make([]extension, 0, maxExtensions))
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := l.parseExtension(e); err != nil {
			return fmt.Errorf("extension %s: %w", dotted(e.id), err)
		}
	}
	return nil
}

// critical says of which extensions RFC 5280 §5.2 demands that they are, or are
// not, critical.
var critical = map[string]bool{
	idCRLNumber: false, idFreshestCRL: false,
	idDeltaCRLIndicator: true, idIssuingDistribution: true,
}

func (l *CRL) parseExtension(e extension) error {
	v := e.value
	var err error
	known := true
	switch string(e.id) {
	case idCRLNumber:
		l.number, err = parseNumber(v)
	case idDeltaCRLIndicator:
		l.base, err = parseNumber(v)
	case idIssuingDistribution:
		l.scope, err = parseScope(v)
	case idExpiredCertsOnCRL:
		var ok bool
		if l.keepsExpired, ok = readGeneralizedTime(&v); !ok || !v.Empty() {
			err = errors.New("want a GeneralizedTime")
		}
	case idAuthorityKeyID:
		l.keyID = string(v)
	case idIssuerAltName, idFreshestCRL, idAuthorityInfoAccess:
		// Hints for who looks for more; the issuer alone is compared.
	default:
		known = false
	}
	want, fixed := critical[string(e.id)]
	switch {
	case l.flaw != "":
	case !known && e.critical:
		l.flaw = "critical extension " + dotted(e.id) + " is not understood"
	case fixed && want != e.critical:
		l.flaw = fmt.Sprintf("extension %s: want critical=%t, found %t (RFC 5280 §5.2)", dotted(e.id), want, e.critical)
	}
	return err
}

// parseNumber reads a CRLNumber: 0 to 20 octets, not negative (RFC 5280 §5.2.3).
func parseNumber(in cryptobyte.String) (*big.Int, error) {
	var content cryptobyte.String
	if !readInteger(&in, &content) || !in.Empty() || content[0]&0x80 != 0 || len(content) > 21 {
		return nil, errors.New("want a CRL number: an INTEGER of at most 20 octets, not negative")
	}
	return new(big.Int).SetBytes(content), nil
}
