package keystore

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.step.sm/crypto/kms"
	"go.step.sm/crypto/kms/apiv1"
)

// Scheme of a key's URI.
const (
	schemeAWS    = "awskms"
	schemeAzure  = "azurekms"
	schemeGoogle = "cloudkms"
	schemePKCS11 = "pkcs11"
)

// IsURI tells whether a key's name is a URI and not a file.
func IsURI(name string) bool { return scheme(name) != "" }

var uriPattern = regexp.MustCompile(`^([a-z][a-z0-9]+):`)

// scheme gives a URI's scheme. A drive letter of Windows is none.
func scheme(name string) string {
	m := uriPattern.FindStringSubmatch(strings.ToLower(name))
	if m == nil {
		return ""
	}
	switch m[1] {
	case schemeAWS, schemeAzure, schemeGoogle, schemePKCS11:
		return m[1]
	}
	return ""
}

// UnsupportedError reports a URI that this program was built without.
type UnsupportedError struct{ Scheme string }

func (e *UnsupportedError) Error() string {
	if e.Scheme == schemePKCS11 {
		return "this build of the program has no PKCS#11: it needs cgo, see \"make cot-certs-pkcs11\""
	}
	return fmt.Sprintf("this program can't use %s: keys", e.Scheme)
}

// ErrSecretInURI is the error of a URI with a PIN in it: command lines are no
// secret on most machines.
var ErrSecretInURI = errors.New("the key's URI has a PIN or another secret in it, which others may see: want pin-source=FILE")

// Key is an open key. Close frees what it holds; it does nothing for files.
type Key struct {
	crypto.Signer
	close func() error
}

// Close ends the connection to the key's service, if there is one.
func (k *Key) Close() error {
	if k.close == nil {
		return nil
	}
	return k.close()
}

// Open opens a key by the name of its file, or by its URI in a service:
// awskms:key-id=…;region=…, azurekms:name=…;vault=…, cloudkms:projects/…,
// pkcs11:module-path=…;token=…;object=…?pin-source=….
func Open(ctx context.Context, name string, ask Passphrase) (*Key, error) {
	s := scheme(name)
	if s == "" {
		key, err := readKey(name, ask)
		if err != nil {
			return nil, err
		}
		return &Key{Signer: key}, nil
	}
	if secretValue.MatchString(name) {
		return nil, ErrSecretInURI
	}
	if _, ok := apiv1.LoadKeyManagerNewFunc(apiv1.Type(s)); !ok {
		return nil, &UnsupportedError{s}
	}
	manager, err := kms.New(ctx, apiv1.Options{Type: apiv1.Type(s), URI: name})
	if err != nil {
		return nil, withoutSecrets(name, err)
	}
	signer, err := manager.CreateSigner(&apiv1.CreateSignerRequest{SigningKey: name})
	if err != nil {
		return nil, errors.Join(withoutSecrets(name, err), manager.Close())
	}
	return &Key{signer, manager.Close}, nil
}

var secretValue = regexp.MustCompile(`(?i)(pin-value|secret|client-secret|credential)=[^;&?\s"]*`)

// Redact gives a key's name as it may be shown: a URI may hold a PIN.
func Redact(name string) string { return secretValue.ReplaceAllString(name, "$1=…") }

// withoutSecrets is a service's error, of which nobody knows what it quotes.
func withoutSecrets(name string, err error) error {
	text := strings.ReplaceAll(err.Error(), name, Redact(name))
	return fmt.Errorf("key %s: %s", Redact(name), Redact(text))
}
