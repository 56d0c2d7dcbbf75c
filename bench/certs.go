//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/graph"
)

// certsMain is one side of a scenario of certificates: "bench certs SIDE DIR"
// works on the files that "bench certs make DIR" left.
func certsMain(side, dir string) error {
	switch side {
	case "make":
		return makeCerts(dir)
	case "trust":
		return verifyByTrust(dir)
	case "bare":
		return verifyBare(dir)
	case "crl":
		return judgeByLongCRL(dir)
	}
	return fmt.Errorf("certs %s: want make, trust, bare or crl", side)
}

// certScenarios makes the files below dir, in a process of its own, and gives
// what is done with them.
func certScenarios(ctx context.Context, dir string) ([]scenario, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	files := filepath.Join(dir, "certs")
	if err := os.Mkdir(files, 0o755); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, self, "certs", "make", files).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making documents and CRLs: %w\n%s", err, out)
	}
	side := func(name, what string) command {
		return command{name: what, dir: filepath.Join(dir, "dest"), argv: []string{self, "certs", name, files}}
	}
	return []scenario{
		{
			name:     fmt.Sprintf("%d documents of 20 KB, %d worker certificates", certDocuments, certWorkers),
			commands: []command{side("trust", "certs.Trust"), side("bare", "ed25519.Verify")},
			check:    saidSo(certDocuments),
		},
		{
			name:     "a CRL of a million entries",
			commands: []command{side("crl", "read, and two documents judged")},
			check:    saidSo(1),
		},
	}, nil
}

const doneFile = "verified"

// done says in the working directory how many documents were verified.
func done(n int) error { return os.WriteFile(doneFile, fmt.Append(nil, n), 0o600) }

// saidSo checks what done wrote.
func saidSo(n int) func(string) error {
	return func(dir string) error {
		got, err := os.ReadFile(filepath.Join(dir, doneFile))
		if err == nil && string(got) != fmt.Sprint(n) {
			err = fmt.Errorf("verified %s documents, want %d", got, n)
		}
		return err
	}
}

// newCertTrust trusts the root, with these files as CRLs.
func newCertTrust(dir string, crls ...string) (*certs.Trust, certs.Worker, error) {
	var none certs.Worker
	data, err := os.ReadFile(filepath.Join(dir, "root.pem"))
	if err != nil {
		return nil, none, err
	}
	roots, err := pkix.ParseCertificates(data)
	if err != nil {
		return nil, none, err
	}
	c := &certs.Certificates{TrustDomain: certDomain, Roots: []certs.Anchor{{Certificate: roots[0]}}, Revocation: certs.RequireRevocation}
	for _, name := range crls {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, none, err
		}
		lists, err := revocation.ParseCRLs(data)
		if err != nil {
			return nil, none, err
		}
		c.CRLs = append(c.CRLs, lists...)
	}
	pool, err := graph.ParseWorkerPool(certPool)
	if err != nil {
		return nil, none, err
	}
	t, err := certs.New(certs.Config{Certificates: c, Now: certNow})
	return t, certs.Worker{
		Implementation: graph.GenericWorker, Pool: pool, WorkerGroup: "us-east1", WorkerID: "i-0123",
		Started: certNow.Add(-2 * timeUnit), Resolved: certNow.Add(-timeUnit),
	}, err
}

// verifyDocument reads a document and what is beside it, and verifies it.
func verifyDocument(t *certs.Trust, w certs.Worker, dir string, i int) error {
	name := filepath.Join(dir, documentFile(i))
	forms := map[certs.Form][]byte{}
	document, err := os.ReadFile(name)
	for form, suffix := range map[certs.Form]string{certs.FormSignature: ".sig", certs.FormChain: ".pem"} {
		data, readErr := os.ReadFile(name + suffix)
		err = errors.Join(err, readErr)
		forms[form] = data
	}
	if err != nil {
		return err
	}
	v, failures := t.Verify(context.Background(), certs.Signed{Document: document, Forms: forms}, w)
	if v == nil {
		return fmt.Errorf("document %d: %+v", i, failures)
	}
	return nil
}

// verifyByTrust does all that a link's signature is put to: path, revocation,
// identity, time.
func verifyByTrust(dir string) error {
	t, w, err := newCertTrust(dir, "root.crl", "issuer.crl")
	if err != nil {
		return err
	}
	for i := range certDocuments {
		if err := verifyDocument(t, w, dir, i); err != nil {
			return err
		}
	}
	return done(certDocuments)
}

// verifyBare reads the same documents and signatures and does nothing but
// verify them, under keys that it takes from the certificates once.
func verifyBare(dir string) error {
	var keys []ed25519.PublicKey
	for i := range certWorkers {
		data, err := os.ReadFile(filepath.Join(dir, documentFile(i)+".pem"))
		if err != nil {
			return err
		}
		block, _ := pem.Decode(data)
		if block == nil {
			return errors.New("no PEM beside a document")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		key, ok := c.PublicKey.(ed25519.PublicKey)
		if !ok {
			return errors.New("a worker without an Ed25519 key")
		}
		keys = append(keys, key)
	}
	for i := range certDocuments {
		name := filepath.Join(dir, documentFile(i))
		document, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		signature, err := os.ReadFile(name + ".sig")
		if err != nil {
			return err
		}
		if !ed25519.Verify(keys[i%certWorkers], document, signature) {
			return fmt.Errorf("document %d does not verify", i)
		}
	}
	return done(certDocuments)
}

// judgeByLongCRL reads a CRL of a million entries and judges a certificate by
// it, and one that it lists.
func judgeByLongCRL(dir string) error {
	t, w, err := newCertTrust(dir, "root.crl", "million.crl")
	if err != nil {
		return err
	}
	if err := verifyDocument(t, w, dir, 0); err != nil {
		return err
	}
	if err := verifyDocument(t, w, dir, revokedDocument); err == nil || !strings.Contains(err.Error(), string(certs.CertificateRevoked)) {
		return fmt.Errorf("the revoked worker's document: %w", err)
	}
	return done(1)
}
