package keystore

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"go.step.sm/crypto/pemutil"

	"github.com/mozilla-releng/cot/internal/durable"
)

// Passphrase gives the passphrase of a key; what names it for a person.
type Passphrase func(what string) ([]byte, error)

// MaxKeyBytes bounds a key file.
const MaxKeyBytes = 64 << 10

// ErrPassphrase is the error of a key that its passphrase does not open.
var ErrPassphrase = errors.New("wrong passphrase")

// Encode gives a key as PKCS#8 in PEM, encrypted if there is a passphrase
// (PBES2 of RFC 8018: PBKDF2 with HMAC-SHA-256, AES-256-CBC).
func Encode(key crypto.Signer, passphrase []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	block := &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	if len(passphrase) > 0 {
		if block, err = pemutil.EncryptPKCS8PrivateKey(rand.Reader, der, passphrase, x509.PEMCipherAES256); err != nil {
			return nil, err
		}
	}
	return pem.EncodeToMemory(block), nil
}

// Create writes a key to a file that must not exist, for its user alone.
func Create(name string, key crypto.Signer, passphrase []byte) error {
	text, err := Encode(key, passphrase)
	if err != nil {
		return err
	}
	defer clear(text)
	if err := durable.Create(name, text, 0o600); err != nil {
		return err
	}
	return protect(name)
}

// readKey reads a key file that only its user can read.
func readKey(name string, ask Passphrase) (crypto.Signer, error) {
	text, err := ReadPrivate(name, MaxKeyBytes)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	key, err := decode(name, text, ask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// ReadPrivate reads a file that holds a secret. It refuses one that anybody but
// this process's user can read.
func ReadPrivate(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", name)
	}
	if err := onlyUser(f, info); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than the limit of %d bytes", name, limit)
	}
	return data, err
}

// decode reads the one private key of a PEM file.
func decode(name string, text []byte, ask Passphrase) (crypto.Signer, error) {
	var block *pem.Block
	for rest := text; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		if b.Type == "EC PARAMETERS" { // openssl ecparam puts it before the key
			continue
		}
		if block != nil {
			return nil, errors.New("more than one PEM block: want one private key")
		}
		block = b
	}
	if block == nil {
		return nil, errors.New("no private key in PEM")
	}
	encrypted := block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["Proc-Type"] == "4,ENCRYPTED"
	if encrypted {
		if ask == nil {
			return nil, errors.New("the key is encrypted and there is no passphrase")
		}
		passphrase, err := ask(name)
		if err != nil {
			return nil, err
		}
		defer clear(passphrase)
		if block, err = decrypt(block, passphrase); err != nil {
			return nil, err
		}
	}
	key, err := parse(block)
	if err != nil && encrypted {
		// Padding is right by chance for one wrong passphrase in 256.
		return nil, ErrPassphrase
	}
	return key, err
}

// decrypt undoes encryption. The library panics at some malformed parameters.
func decrypt(b *pem.Block, passphrase []byte) (out *pem.Block, err error) {
	defer func() {
		if recover() != nil {
			out, err = nil, errors.New("the encrypted key is malformed")
		}
	}()
	der, err := pemutil.DecryptPEMBlock(b, passphrase)
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, ErrPassphrase
	case err != nil:
		return nil, fmt.Errorf("the encrypted key can't be read: %w", err)
	}
	kind := b.Type
	if kind == "ENCRYPTED PRIVATE KEY" {
		kind = "PRIVATE KEY"
	}
	return &pem.Block{Type: kind, Bytes: der}, nil
}

// parse reads an unencrypted key. The errors of crypto/x509 could quote it.
func parse(b *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch b.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(b.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	default:
		return nil, fmt.Errorf("the PEM block is %.60q, not a private key", b.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the PEM block %q holds no private key that is known here", b.Type)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T can't sign", key)
	}
	return signer, nil
}
