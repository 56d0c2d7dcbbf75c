package revocation

import (
	"fmt"
	"iter"
	"math/big"
	"time"
)

// CRL is a certificate revocation list that is well formed. Nothing in it has
// been verified: what it says counts only in a Checker, which does that.
type CRL struct {
	tbs       []byte // TBSCertList, what is signed
	algorithm []byte // AlgorithmIdentifier
	signature []byte
	issuer    distinguishedName

	thisUpdate, nextUpdate time.Time
	keyID                  string   // authorityKeyIdentifier, the extension's value
	number                 *big.Int // cRLNumber; nil if absent
	base                   *big.Int // BaseCRLNumber of a delta; nil if the list is complete
	scope                  scope
	keepsExpired           time.Time // expiredCertsOnCRL; zero if absent

	// flaw says why the list makes nothing good: a critical extension, of it or an
	// entry, that is not understood, or one that is not as RFC 5280 §5.2 and §5.3
	// demand.
	flaw string

	entries entries
}

// Issuer is the list's issuer, as a raw RDNSequence.
func (l *CRL) Issuer() []byte { return l.issuer.raw }

// ThisUpdate is when the list was issued.
func (l *CRL) ThisUpdate() time.Time { return l.thisUpdate }

// NextUpdate is when the next list is due; zero if the list does not say.
func (l *CRL) NextUpdate() time.Time { return l.nextUpdate }

// Number is the list's CRL number; nil if it has none.
func (l *CRL) Number() *big.Int { return copyInt(l.number) }

// Base is the number of the list that a delta builds on; nil for a complete list.
func (l *CRL) Base() *big.Int { return copyInt(l.base) }

// KeepsExpired is the date since which the list keeps entries of expired
// certificates (expiredCertsOnCRL); zero if it does not say.
func (l *CRL) KeepsExpired() time.Time { return l.keepsExpired }

// Len counts the entries.
func (l *CRL) Len() int { return len(l.entries.index) }

// Entry is one revoked certificate of a list.
type Entry struct {
	Serial *big.Int
	Issuer []byte // the certificate's issuer, where an entry of an indirect list names one; else nil
	Reason Reason
	// RevokedAt is the revocationDate. Compromised is the invalidityDate, nil if
	// absent.
	RevokedAt   time.Time
	Compromised *time.Time
}

// Entries gives the entries in their order.
func (l *CRL) Entries() iter.Seq[Entry] { return l.entries.all() }

// String names the list in messages.
func (l *CRL) String() string {
	kind, number := "CRL", ""
	if l.base != nil {
		kind = "delta CRL"
	}
	if l.number != nil {
		number = " number " + l.number.String()
	}
	return fmt.Sprintf("%s%s of %s, issued %s", kind, number, l.issuer, stamp(l.thisUpdate))
}

func copyInt(i *big.Int) *big.Int {
	if i == nil {
		return nil
	}
	return new(big.Int).Set(i)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
