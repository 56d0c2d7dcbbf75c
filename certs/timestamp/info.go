package timestamp

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // crypto.SHA256
	_ "crypto/sha512" // crypto.SHA384, crypto.SHA512
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// oidTSTInfo is id-ct-TSTInfo (RFC 3161 §2.4.2).
var oidTSTInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}

// oidSubjectAltName is RFC 5280 §4.2.1.6.
var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// MaxAccuracy bounds what a token may say of its precision; a coarser one says
// nothing of when a task ran.
const MaxAccuracy = 24 * time.Hour

// maxIntegerBits bounds serial numbers, which RFC 3161 §2.4.2 gives 160 bits,
// and nonces.
const maxIntegerBits = 512

// Info is what an authority says: that a message with this imprint existed at
// that time.
type Info struct {
	Time     time.Time
	Accuracy time.Duration // the time is right within ±Accuracy; zero if the token does not say
	Ordering bool
	Policy   string // the authority's own, an object identifier
	Serial   *big.Int
	Nonce    *big.Int // nil if none
	Hash     crypto.Hash
	Imprint  []byte

	authority cryptobyte.String // the GeneralName tsa; nil if none
}

// Token is a time stamp whose signature holds under the key of the Signer. Only
// Parse makes one. Its certificates are not validated.
type Token struct {
	Info
	Signer       *x509.Certificate
	Certificates []*x509.Certificate // the others inside: hostile, to build paths with
}

// parseInfo reads (RFC 3161 §2.4.2), in DER,
//
//	TSTInfo ::= SEQUENCE {
//	  version INTEGER { v1(1) },
//	  policy TSAPolicyId,
//	  messageImprint MessageImprint,
//	  serialNumber INTEGER,
//	  genTime GeneralizedTime,
//	  accuracy Accuracy OPTIONAL,
//	  ordering BOOLEAN DEFAULT FALSE,
//	  nonce INTEGER OPTIONAL,
//	  tsa [0] GeneralName OPTIONAL,
//	  extensions [1] IMPLICIT Extensions OPTIONAL }
func parseInfo(der []byte) (Info, error) {
	in := cryptobyte.String(der)
	i := Info{Serial: new(big.Int)}
	var body, imprint, genTime cryptobyte.String
	var version int
	var policy x509.OID
	if !in.ReadASN1(&body, tag.SEQUENCE) || !body.ReadASN1Integer(&version) {
		return i, errors.New("not a TSTInfo in DER")
	}
	switch {
	case !in.Empty():
		return i, fmt.Errorf("%d bytes after the TSTInfo", len(in))
	case version != 1:
		return i, fmt.Errorf("want TSTInfo of version 1, found %d", version)
	case !readOID(&body, &policy), !body.ReadASN1(&imprint, tag.SEQUENCE),
		!body.ReadASN1Integer(i.Serial), !body.ReadASN1(&genTime, tag.GeneralizedTime):
		return i, errors.New("malformed TSTInfo")
	case i.Serial.Sign() < 0 || i.Serial.BitLen() > maxIntegerBits:
		return i, errors.New("malformed TSTInfo: the serial number is negative or too long")
	}
	i.Policy = policy.String()
	var err error
	if i.Hash, i.Imprint, err = parseImprint(imprint); err != nil {
		return i, err
	}
	if i.Time, err = parseTime(string(genTime)); err != nil {
		return i, err
	}
	return i, i.parseOptional(body)
}

// parseOptional reads what comes after genTime.
func (i *Info) parseOptional(body cryptobyte.String) error {
	var accuracy, authority, extensions cryptobyte.String
	var has, hasAuthority bool
	if !body.ReadOptionalASN1(&accuracy, &has, tag.SEQUENCE) {
		return errors.New("malformed TSTInfo")
	}
	if has {
		var err error
		if i.Accuracy, err = parseAccuracy(accuracy); err != nil {
			return err
		}
	}
	// DER leaves the default out (X.690 §11.5).
	if body.PeekASN1Tag(tag.BOOLEAN) && (!body.ReadASN1Boolean(&i.Ordering) || !i.Ordering) {
		return errors.New("malformed TSTInfo: ordering is not in DER")
	}
	if body.PeekASN1Tag(tag.INTEGER) {
		i.Nonce = new(big.Int)
		if !body.ReadASN1Integer(i.Nonce) || i.Nonce.BitLen() > maxIntegerBits {
			return errors.New("malformed TSTInfo: the nonce is too long or not in DER")
		}
	}
	if !body.ReadOptionalASN1(&authority, &hasAuthority, tag.Tag(0).ContextSpecific().Constructed()) ||
		!body.ReadOptionalASN1(&extensions, &has, tag.Tag(1).ContextSpecific().Constructed()) || !body.Empty() {
		return errors.New("malformed TSTInfo")
	}
	if hasAuthority {
		var kind tag.Tag
		if !authority.ReadAnyASN1Element(&i.authority, &kind) || !authority.Empty() {
			return errors.New("malformed TSTInfo: tsa is not one GeneralName")
		}
	}
	if has {
		return checkExtensions(extensions)
	}
	return nil
}

// parseImprint reads
//
//	MessageImprint ::= SEQUENCE {
//	  hashAlgorithm AlgorithmIdentifier,
//	  hashedMessage OCTET STRING }
func parseImprint(in cryptobyte.String) (crypto.Hash, []byte, error) {
	var sum cryptobyte.String
	h, id, ok := readHash(&in)
	if !ok || !in.ReadASN1(&sum, tag.OCTET_STRING) || !in.Empty() {
		return 0, nil, errors.New("malformed messageImprint")
	}
	if h == 0 {
		return 0, nil, fmt.Errorf("want an imprint by SHA-256, SHA-384 or SHA-512, found %s", id)
	}
	if len(sum) != h.Size() {
		return 0, nil, fmt.Errorf("want an imprint of %d bytes for %s, found %d", h.Size(), h, len(sum))
	}
	return h, sum, nil
}

// readHash reads the AlgorithmIdentifier of a hash: 0 if it is another.
func readHash(in *cryptobyte.String) (crypto.Hash, x509.OID, bool) {
	var body cryptobyte.String
	var id x509.OID
	if !in.ReadASN1(&body, tag.SEQUENCE) || !readOID(&body, &id) {
		return 0, id, false
	}
	if !body.Empty() && !bytes.Equal(body, []byte{byte(tag.NULL), 0}) {
		return 0, id, false
	}
	switch {
	case id.EqualASN1OID(oidSHA256):
		return crypto.SHA256, id, true
	case id.EqualASN1OID(oidSHA384):
		return crypto.SHA384, id, true
	case id.EqualASN1OID(oidSHA512):
		return crypto.SHA512, id, true
	}
	return 0, id, true
}

func (i *Info) checkImprint(message []byte) error {
	d := i.Hash.New()
	d.Write(message)
	if sum := d.Sum(nil); !bytes.Equal(sum, i.Imprint) {
		return fmt.Errorf("it is over something else: want the imprint %x, found %x", sum, i.Imprint)
	}
	return nil
}

// parseTime reads GeneralizedTime as RFC 3161 §2.4.2 has it: YYYYMMDDhhmmss, a
// fraction without trailing zeros or none, Z.
func parseTime(s string) (time.Time, error) {
	const layout = "20060102150405.999999999Z"
	t, err := time.Parse(layout, s)
	if err != nil || t.Format(layout) != s || t.Year() == 0 {
		return time.Time{}, fmt.Errorf("want genTime as YYYYMMDDhhmmss[.s]Z, found %.40q", s)
	}
	return t, nil
}

// parseAccuracy reads
//
//	Accuracy ::= SEQUENCE {
//	  seconds INTEGER OPTIONAL,
//	  millis [0] INTEGER (1..999) OPTIONAL,
//	  micros [1] INTEGER (1..999) OPTIONAL }
func parseAccuracy(in cryptobyte.String) (time.Duration, error) {
	var total time.Duration
	for _, part := range []struct {
		tag  tag.Tag
		unit time.Duration
		min  int64
		max  int64
	}{
		{tag.INTEGER, time.Second, 0, int64(MaxAccuracy / time.Second)},
		{tag.Tag(0).ContextSpecific(), time.Millisecond, 1, 999},
		{tag.Tag(1).ContextSpecific(), time.Microsecond, 1, 999},
	} {
		if !in.PeekASN1Tag(part.tag) {
			continue
		}
		var n int64
		if !in.ReadASN1Int64WithTag(&n, part.tag) || n < part.min || n > part.max {
			return 0, fmt.Errorf("accuracy: want %d to %d times %s", part.min, part.max, part.unit)
		}
		total += time.Duration(n) * part.unit
	}
	if !in.Empty() {
		return 0, errors.New("malformed accuracy")
	}
	if total > MaxAccuracy {
		return 0, fmt.Errorf("want an accuracy within %s, found %s", MaxAccuracy, total)
	}
	return total, nil
}

// checkExtensions reads Extensions (RFC 5280 §4.1). No extension of a token is
// understood here, so a critical one is refused; others say more about the
// authority, not about the time.
func checkExtensions(in cryptobyte.String) error {
	for n := 0; n == 0 || !in.Empty(); n++ {
		var body, value cryptobyte.String
		var id x509.OID
		var critical bool
		if n == 32 || !in.ReadASN1(&body, tag.SEQUENCE) || !readOID(&body, &id) {
			return errors.New("malformed extensions of the token")
		}
		if body.PeekASN1Tag(tag.BOOLEAN) && (!body.ReadASN1Boolean(&critical) || !critical) ||
			!body.ReadASN1(&value, tag.OCTET_STRING) || !body.Empty() {
			return errors.New("malformed extensions of the token")
		}
		if critical {
			return fmt.Errorf("the token has a critical extension that is not known here: %s", id)
		}
	}
	return nil
}

// checkAuthority holds tsa, if the token has it, to a name of the signer's
// certificate (RFC 3161 §2.4.2).
func (i *Info) checkAuthority(signer *x509.Certificate) error {
	if i.authority == nil {
		return nil
	}
	name := i.authority
	var directory cryptobyte.String
	if name.ReadASN1(&directory, tag.Tag(4).ContextSpecific().Constructed()) && pkix.EqualNames(directory, signer.RawSubject) {
		return nil
	}
	for _, e := range signer.Extensions {
		in := cryptobyte.String(e.Value)
		var names cryptobyte.String
		if !e.Id.Equal(oidSubjectAltName) || !in.ReadASN1(&names, tag.SEQUENCE) {
			continue
		}
		for !names.Empty() {
			var n cryptobyte.String
			var kind tag.Tag
			if !names.ReadAnyASN1Element(&n, &kind) {
				break
			}
			if bytes.Equal(n, i.authority) {
				return nil
			}
		}
	}
	return errors.New("the token names another authority than its signer's certificate")
}

// readOID reads an object identifier with arcs of any size, in at most 100
// octets.
func readOID(in *cryptobyte.String, out *x509.OID) bool {
	var raw cryptobyte.String
	return in.ReadASN1(&raw, tag.OBJECT_IDENTIFIER) && len(raw) <= 100 && out.UnmarshalBinary(raw) == nil
}
