package revocation

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"math/big"
	"slices"
	"sort"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Extensions of an entry (RFC 5280 §5.3).
const (
	idReasonCode        = "\x55\x1d\x15"
	idHoldInstruction   = "\x55\x1d\x17"
	idInvalidityDate    = "\x55\x1d\x18"
	idCertificateIssuer = "\x55\x1d\x1d"
)

// entries is revokedCertificates with an index. An element of the index is the
// upper half of a hash of the serial number, then the entry's offset: 8 bytes
// an entry, sorted. The hash has a seed, so nobody can choose serial numbers
// that fall together.
type entries struct {
	raw   []byte
	seed  maphash.Seed
	index []uint64
	// issuers are the offsets of entries that name another issuer, of
	// their own certificate and those after (RFC 5280 §5.3.3).
	issuers []uint32
	flaw    string // the first found, of any entry
}

// smallestEntry is a serial number of one octet and a UTCTime.
const smallestEntry = 2 + 3 + 15

func parseEntries(in cryptobyte.String, v2 bool) (entries, error) {
	s := entries{raw: in, seed: maphash.MakeSeed(), index: make([]uint64, 0, countEntries(in))}
	for !in.Empty() {
		at := uint32(len(s.raw) - len(in)) //nolint:gosec // MaxCRLBytes fits
		e, err := readEntry(&in)
		if err != nil {
			return s, fmt.Errorf("entry %d: %w", len(s.index)+1, err)
		}
		if !e.extensions.Empty() {
			if !v2 {
				return s, fmt.Errorf("entry %d: a v1 CRL has entry extensions", len(s.index)+1)
			}
			d, err := e.details()
			if err != nil {
				return s, fmt.Errorf("entry %d: %w", len(s.index)+1, err)
			}
			if d.issuer != nil {
				s.issuers = append(s.issuers, at)
			}
			if d.flaw != "" && s.flaw == "" {
				s.flaw = d.flaw
			}
		}
		s.index = append(s.index, s.hash(e.serial)|uint64(at))
	}
	slices.Sort(s.index)
	return s, nil
}

// countEntries makes the index the right size at once. What is malformed is
// found after.
func countEntries(in cryptobyte.String) int {
	n, most := 0, len(in)/smallestEntry
	for n < most && in.SkipASN1(asn1.SEQUENCE) {
		n++
	}
	return n
}

func (s *entries) hash(serial []byte) uint64 {
	return maphash.Bytes(s.seed, serial) &^ (1<<32 - 1)
}

// rawEntry is an entry, split but for its extensions.
type rawEntry struct {
	serial     cryptobyte.String
	date       time.Time
	extensions cryptobyte.String // content of the SEQUENCE; empty if absent
}

func readEntry(in *cryptobyte.String) (rawEntry, error) {
	var e rawEntry
	var seq cryptobyte.String
	var ok bool
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !readInteger(&seq, &e.serial) {
		return e, errors.New("not a serial number in DER")
	}
	if e.date, ok = readTime(&seq); !ok {
		return e, errors.New("revocationDate is malformed")
	}
	if seq.Empty() {
		return e, nil
	}
	if !seq.ReadASN1(&e.extensions, asn1.SEQUENCE) || !seq.Empty() || e.extensions.Empty() {
		return e, errors.New("crlEntryExtensions is malformed or empty")
	}
	return e, nil
}

// details is what an entry's extensions say.
type details struct {
	reason     Reason
	invalidity time.Time // zero if absent
	issuer     []byte    // certificateIssuer: the content of GeneralNames
	flaw       string
}

func (e rawEntry) details() (details, error) {
	var d details
	if e.extensions.Empty() {
		return d, nil
	}
	if d.reason = reasonAlone(e.extensions); d.reason != Unspecified {
		return d, nil
	}
	var room [maxEntryExtensions]extension // not on the heap: a list has many entries
	all, err := readExtensions(e.extensions, room[:0])
	if err != nil {
		return d, err
	}
	for _, x := range all {
		v := x.value
		switch string(x.id) {
		case idReasonCode:
			var code cryptobyte.String
			if !v.ReadASN1(&code, asn1.ENUM) || len(code) != 1 || !v.Empty() {
				return d, errors.New("reasonCode is malformed")
			}
			d.reason = Reason(code[0])
		case idInvalidityDate:
			t, ok := readGeneralizedTime(&v)
			if !ok || !v.Empty() {
				return d, errors.New("invalidityDate is malformed")
			}
			d.invalidity = t
		case idCertificateIssuer:
			var names cryptobyte.String
			if !v.ReadASN1(&names, asn1.SEQUENCE) || !v.Empty() || names.Empty() {
				return d, errors.New("certificateIssuer is malformed")
			}
			d.issuer = names
			switch {
			case d.flaw != "":
			case directoryName(names) == nil:
				d.flaw = "certificateIssuer of an entry has no distinguished name that is read here (RFC 5280 §5.3.3)"
			case !x.critical:
				d.flaw = "certificateIssuer of an entry is not critical (RFC 5280 §5.3.3)"
			}
		case idHoldInstruction:
		default:
			if x.critical && d.flaw == "" {
				d.flaw = "critical entry extension " + dotted(x.id) + " is not understood"
			}
		}
	}
	return d, nil
}

// reasonOnly is the DER of a reasonCode and no other extension, but for its
// last octet.
var reasonOnly = []byte("\x30\x0a\x06\x03" + idReasonCode + "\x04\x03\x0a\x01")

// reasonAlone reads what nearly every entry of a long list has, without the
// cost of the general way; Unspecified if it is something else.
func reasonAlone(extensions []byte) Reason {
	if len(extensions) == len(reasonOnly)+1 && bytes.HasPrefix(extensions, reasonOnly) {
		return Reason(extensions[len(reasonOnly)])
	}
	return Unspecified
}

// lookup visits the entries of a serial number, with the names of the
// certificate's issuer where an indirect list gives them.
func (s *entries) lookup(serial []byte, visit func(e rawEntry, issuer []byte)) {
	if len(s.index) == 0 {
		return
	}
	h := s.hash(serial)
	for i := sort.Search(len(s.index), func(i int) bool { return s.index[i] >= h }); i < len(s.index); i++ {
		at := uint32(s.index[i] & (1<<32 - 1))
		if s.index[i]&^(1<<32-1) != h {
			return
		}
		in := cryptobyte.String(s.raw[at:])
		if e, err := readEntry(&in); err == nil && bytes.Equal(e.serial, serial) {
			visit(e, s.issuerAt(at))
		}
	}
}

func (s *entries) issuerAt(at uint32) []byte {
	n := sort.Search(len(s.issuers), func(i int) bool { return s.issuers[i] > at })
	if n == 0 {
		return nil
	}
	in := cryptobyte.String(s.raw[s.issuers[n-1]:])
	e, err := readEntry(&in)
	if err != nil {
		return nil
	}
	d, err := e.details()
	if err != nil {
		return nil
	}
	return d.issuer
}

func (s *entries) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		var issuer []byte
		for in := cryptobyte.String(s.raw); !in.Empty(); {
			e, err := readEntry(&in)
			if err != nil {
				return
			}
			d, err := e.details()
			if err != nil {
				return
			}
			if d.issuer != nil {
				issuer = directoryName(d.issuer)
			}
			if !yield(Entry{serialNumber(e.serial), issuer, d.reason, e.date, orNil(d.invalidity)}) {
				return
			}
		}
	}
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// serialNumber reads the content octets of an INTEGER, two's complement.
func serialNumber(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}
