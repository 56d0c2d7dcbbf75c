package certs

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

var (
	serialPattern = regexp.MustCompile(`^(-?[0-9A-Fa-f]{1,64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){1,31})$`)
	anyHexKeyID   = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
)

// ParseID reads what a signature can rest on: a key id, a SPIFFE ID, or a
// certificate as ISSUER_KEY_ID:SERIAL, and gives it as Signer.RestsOn has it.
// Hex may be in upper case; a serial is hex, too, may have leading zeros, and
// a colon after every byte, as openssl writes it.
func ParseID(s string) (string, error) {
	if strings.HasPrefix(s, "spiffe:") {
		id, err := spiffeid.FromString(s)
		if err == nil && (id.String() != s || id.Path() == "") {
			err = errors.New("want spiffe://TRUST_DOMAIN/PATH in its canonical form")
		}
		if err != nil {
			return "", fmt.Errorf("%.200q is not a SPIFFE ID: %w", s, err)
		}
		return s, nil
	}
	key, serial, isCertificate := strings.Cut(s, ":")
	if !anyHexKeyID.MatchString(key) || isCertificate && !serialPattern.MatchString(serial) {
		return "", fmt.Errorf("%.200q: want a key id (64 hex digits, the SHA-256 of a SubjectPublicKeyInfo), a SPIFFE ID, or ISSUER_KEY_ID:SERIAL", s)
	}
	key = strings.ToLower(key)
	if !isCertificate {
		return key, nil
	}
	n, _ := new(big.Int).SetString(strings.ReplaceAll(serial, ":", ""), 16)
	return key + ":" + n.Text(16), nil
}
