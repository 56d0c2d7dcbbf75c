// Workers shows how a worker in Go signs a chain of trust document.
//
//	sign KEY CERT-CHAIN DOCUMENT
//
// writes DOCUMENT.sig and DOCUMENT.pem. KEY is an unencrypted PKCS#8 file, but
// any crypto.Signer does.
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/mozilla-releng/cot/certs/signing"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sign KEY CERT-CHAIN DOCUMENT")
		os.Exit(2)
	}
	if err := sign(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func sign(keyFile, chainFile, documentFile string) error {
	der, _, err := readPEM(keyFile, "PRIVATE KEY")
	if err != nil {
		return err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return fmt.Errorf("%s: a key of type %T can't sign", keyFile, parsed)
	}
	der, chain, err := readPEM(chainFile, "CERTIFICATE")
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	document, err := os.ReadFile(documentFile)
	if err != nil {
		return err
	}
	signature, err := signing.Sign(document, key, rand.Reader)
	if err != nil {
		return err
	}
	// A renewed certificate beside the old key would only be noticed downstream.
	if err := signing.Verify(document, signature, leaf.PublicKey); err != nil {
		return fmt.Errorf("%s is not the key of the first certificate in %s", keyFile, chainFile)
	}
	if err := os.WriteFile(documentFile+".sig", signature, 0o644); err != nil {
		return err
	}
	return os.WriteFile(documentFile+".pem", chain, 0o644)
}

// readPEM gives the first block of a file, and the file itself.
func readPEM(name, label string) (der, file []byte, err error) {
	if file, err = os.ReadFile(name); err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(file)
	if block == nil || block.Type != label {
		return nil, nil, fmt.Errorf("%s: want a PEM block %q first", name, label)
	}
	return block.Bytes, file, nil
}
