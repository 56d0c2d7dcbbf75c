package revocation

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // names the issuer in a CertID and a responderID, as RFC 6960 has it; signs nothing
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// MaxOCSPBytes bounds an OCSP answer.
const MaxOCSPBytes = 1 << 20

const (
	maxResponses    = 64 // in one answer
	maxResponderSet = 8  // certificates in one answer
)

const (
	idSHA1          = "\x2b\x0e\x03\x02\x1a"
	idOCSPBasic     = "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"
	idOCSPNonce     = "\x2b\x06\x01\x05\x05\x07\x30\x01\x02"
	idArchiveCutoff = "\x2b\x06\x01\x05\x05\x07\x30\x01\x06"
)

// certID is the content of a CertID (RFC 6960 §4.1.1), by SHA-1: the one hash
// that every responder knows. Nobody gains from a collision in it, since the
// names and keys hashed are those of an issuer on a path that holds.
type certID struct {
	name, key [sha1.Size]byte
	serial    []byte
}

func newCertID(s *subject) (certID, error) {
	key, err := keyBits(s.chain[1])
	if err != nil {
		return certID{}, err
	}
	return certID{sha1.Sum(s.issuer.raw), sha1.Sum(key), s.serial}, nil //nolint:gosec // see certID
}

// keyBits gives the content of the BIT STRING in a SubjectPublicKeyInfo, without
// the octet of unused bits.
func keyBits(c *x509.Certificate) ([]byte, error) {
	in := cryptobyte.String(c.RawSubjectPublicKeyInfo)
	var spki, algorithm, bits cryptobyte.String
	var unused uint8
	if !in.ReadASN1(&spki, asn1.SEQUENCE) || !spki.ReadASN1(&algorithm, asn1.SEQUENCE) ||
		!spki.ReadASN1(&bits, asn1.BIT_STRING) || !bits.ReadUint8(&unused) {
		return nil, errors.New("the issuer's public key is malformed")
	}
	return bits, nil
}

// request is an OCSPRequest for one certificate, unsigned and without a nonce:
// answers must have dates, and most responders make them in advance.
func (id certID) request() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // OCSPRequest
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // TBSRequest
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // requestList
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // Request
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // CertID
						b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(idSHA1)) })
							b.AddASN1NULL()
						})
						b.AddASN1OctetString(id.name[:])
						b.AddASN1OctetString(id.key[:])
						b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(id.serial) })
					})
				})
			})
		})
	})
	return b.Bytes()
}

// response is a BasicOCSPResponse that is well formed and not verified.
type response struct {
	tbs, algorithm, signature []byte

	responderName distinguishedName // one of these two
	responderKey  []byte
	producedAt    time.Time
	answers       []single
	unknown       string // a critical extension that is not understood
	certificates  []*x509.Certificate
}

// single is a SingleResponse.
type single struct {
	id                     certID
	sha1                   bool // the id's hash; ids by another are not ours
	status                 Status
	revocation             Revocation
	thisUpdate, nextUpdate time.Time
	archive                time.Time // archiveCutoff; zero if absent
	unknown                string
}

// statusError is an OCSPResponse that is no answer (RFC 6960 §4.2.1).
type statusError int

func (e statusError) Error() string {
	names := map[statusError]string{1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"}
	if s, ok := names[e]; ok {
		return "the responder says " + s
	}
	return fmt.Sprintf("the responder has status %d", int(e))
}

func (e statusError) heals() bool { return e == 2 || e == 3 }

// parseOCSP reads an OCSPResponse (RFC 6960 §4.2.1).
func parseOCSP(der []byte) (*response, error) {
	malformed := errors.New("not an OCSPResponse in DER")
	if len(der) > MaxOCSPBytes {
		return nil, fmt.Errorf("an OCSP answer has %d bytes, want at most %d", len(der), MaxOCSPBytes)
	}
	in := cryptobyte.String(der)
	var outer, status, wrapped, bytesSeq, kind, octets cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&status, asn1.ENUM) || len(status) != 1 {
		return nil, malformed
	}
	if status[0] != 0 {
		return nil, statusError(status[0])
	}
	if !outer.ReadASN1(&wrapped, constructed(0)) || !outer.Empty() ||
		!wrapped.ReadASN1(&bytesSeq, asn1.SEQUENCE) || !wrapped.Empty() ||
		!bytesSeq.ReadASN1(&kind, asn1.OBJECT_IDENTIFIER) || !bytesSeq.ReadASN1(&octets, asn1.OCTET_STRING) || !bytesSeq.Empty() {
		return nil, malformed
	}
	if string(kind) != idOCSPBasic {
		return nil, fmt.Errorf("want a basic OCSP response, found %s", dotted(kind))
	}
	return parseBasic(octets)
}

func parseBasic(in cryptobyte.String) (*response, error) {
	malformed := errors.New("not a BasicOCSPResponse in DER")
	var basic, tbs, algorithm, signature, certs, list cryptobyte.String
	var unused uint8
	var has bool
	if !in.ReadASN1(&basic, asn1.SEQUENCE) || !in.Empty() ||
		!basic.ReadASN1Element(&tbs, asn1.SEQUENCE) || !basic.ReadASN1Element(&algorithm, asn1.SEQUENCE) ||
		!basic.ReadASN1(&signature, asn1.BIT_STRING) || !signature.ReadUint8(&unused) || unused != 0 ||
		!basic.ReadOptionalASN1(&certs, &has, constructed(0)) || !basic.Empty() {
		return nil, malformed
	}
	r := &response{tbs: tbs, algorithm: algorithm, signature: signature}
	if has {
		if !certs.ReadASN1(&list, asn1.SEQUENCE) || !certs.Empty() {
			return nil, malformed
		}
		for !list.Empty() {
			var der cryptobyte.String
			if !list.ReadASN1Element(&der, asn1.SEQUENCE) {
				return nil, malformed
			}
			if len(r.certificates) == maxResponderSet {
				return nil, fmt.Errorf("more than %d certificates in an OCSP answer", maxResponderSet)
			}
			c, err := pkix.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("a certificate in an OCSP answer: %w", err)
			}
			r.certificates = append(r.certificates, c)
		}
	}
	if err := r.parseData(tbs); err != nil {
		return nil, err
	}
	return r, nil
}

// parseData reads a ResponseData.
func (r *response) parseData(in cryptobyte.String) error {
	malformed := errors.New("the ResponseData is malformed")
	var data, name, key, list cryptobyte.String
	var ok bool
	// version [0] is v1 by default, so it is never there in DER.
	if !in.ReadASN1(&data, asn1.SEQUENCE) || data.PeekASN1Tag(constructed(0)) {
		return malformed
	}
	switch {
	case data.PeekASN1Tag(constructed(1)):
		var element cryptobyte.String
		if !data.ReadASN1(&name, constructed(1)) || !name.ReadASN1Element(&element, asn1.SEQUENCE) || !name.Empty() {
			return malformed
		}
		r.responderName = readName(element)
	case data.ReadASN1(&key, constructed(2)):
		var hash cryptobyte.String
		if !key.ReadASN1(&hash, asn1.OCTET_STRING) || !key.Empty() || len(hash) != sha1.Size {
			return malformed
		}
		r.responderKey = hash
	default:
		return malformed
	}
	if r.producedAt, ok = readGeneralizedTime(&data); !ok || !data.ReadASN1(&list, asn1.SEQUENCE) {
		return malformed
	}
	for !list.Empty() {
		if len(r.answers) == maxResponses {
			return fmt.Errorf("more than %d responses in an OCSP answer", maxResponses)
		}
		s, err := parseSingle(&list)
		if err != nil {
			return err
		}
		r.answers = append(r.answers, s)
	}
	all, err := taggedExtensions(&data)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.critical && string(e.id) != idOCSPNonce && r.unknown == "" {
			r.unknown = "critical extension " + dotted(e.id)
		}
	}
	if !data.Empty() {
		return malformed
	}
	return nil
}

// taggedExtensions reads an optional [1] EXPLICIT Extensions.
func taggedExtensions(in *cryptobyte.String) ([]extension, error) {
	var outer, inner cryptobyte.String
	var has bool
	if !in.ReadOptionalASN1(&outer, &has, constructed(1)) {
		return nil, errors.New("extensions are malformed")
	}
	if !has {
		return nil, nil
	}
	if !outer.ReadASN1(&inner, asn1.SEQUENCE) || !outer.Empty() {
		return nil, errors.New("extensions are malformed")
	}
	return readExtensions(inner, make([]extension, 0, maxExtensions))
}

func parseSingle(in *cryptobyte.String) (single, error) {
	var s single
	malformed := errors.New("a SingleResponse is malformed")
	var seq, id, next cryptobyte.String
	var ok, has bool
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&id, asn1.SEQUENCE) {
		return s, malformed
	}
	if s.id, s.sha1, ok = readCertID(id); !ok {
		return s, malformed
	}
	if s.status, s.revocation, ok = readStatus(&seq); !ok {
		return s, malformed
	}
	if s.thisUpdate, ok = readGeneralizedTime(&seq); !ok {
		return s, malformed
	}
	if !seq.ReadOptionalASN1(&next, &has, constructed(0)) {
		return s, malformed
	}
	if has {
		if s.nextUpdate, ok = readGeneralizedTime(&next); !ok || !next.Empty() || s.nextUpdate.Before(s.thisUpdate) {
			return s, malformed
		}
	}
	all, err := taggedExtensions(&seq)
	if err != nil {
		return s, err
	}
	for _, e := range all {
		v := e.value
		switch {
		case string(e.id) == idArchiveCutoff:
			if s.archive, ok = readGeneralizedTime(&v); !ok || !v.Empty() {
				return s, malformed
			}
		case string(e.id) == idInvalidityDate:
			t, ok := readGeneralizedTime(&v)
			if !ok || !v.Empty() {
				return s, malformed
			}
			s.revocation.InvalidityDate = &t
		case e.critical && s.unknown == "":
			s.unknown = "critical extension " + dotted(e.id)
		}
	}
	if !seq.Empty() {
		return s, malformed
	}
	return s, nil
}

func readCertID(in cryptobyte.String) (id certID, isSHA1, ok bool) {
	var algorithm, oid, name, key, serial cryptobyte.String
	if !in.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
		!in.ReadASN1(&name, asn1.OCTET_STRING) || !in.ReadASN1(&key, asn1.OCTET_STRING) ||
		!readInteger(&in, &serial) || !in.Empty() {
		return id, false, false
	}
	id.serial = serial
	isSHA1 = string(oid) == idSHA1 && len(name) == sha1.Size && len(key) == sha1.Size
	if isSHA1 {
		id.name, id.key = [sha1.Size]byte(name), [sha1.Size]byte(key)
	}
	return id, isSHA1, true
}

// readStatus reads a CertStatus.
func readStatus(in *cryptobyte.String) (Status, Revocation, bool) {
	var content cryptobyte.String
	var r Revocation
	switch {
	case in.PeekASN1Tag(primitive(0)):
		return Good, r, in.ReadASN1(&content, primitive(0)) && content.Empty()
	case in.PeekASN1Tag(primitive(2)):
		return Unknown, r, in.ReadASN1(&content, primitive(2)) && content.Empty()
	case !in.ReadASN1(&content, constructed(1)):
		return Unknown, r, false
	}
	var reason, code cryptobyte.String
	var ok, has bool
	if r.RevokedAt, ok = readGeneralizedTime(&content); !ok ||
		!content.ReadOptionalASN1(&reason, &has, constructed(0)) || !content.Empty() {
		return Unknown, r, false
	}
	if has {
		if !reason.ReadASN1(&code, asn1.ENUM) || len(code) != 1 || !reason.Empty() {
			return Unknown, r, false
		}
		r.Reason = Reason(code[0])
	}
	return Revoked, r, true
}

func (id certID) equal(o certID) bool {
	return id.name == o.name && id.key == o.key && bytes.Equal(id.serial, o.serial)
}
