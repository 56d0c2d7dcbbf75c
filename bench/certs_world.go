//go:build linux

package main

import (
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/fixtures/ca"
)

// What documents are verified under.
const (
	certDocuments   = 20_000
	certWorkers     = 4
	certBytes       = 20_000
	revokedDocument = certDocuments // by one more worker
	crlEntries      = 1_000_000
	certDomain      = "tc.example.com"
	certPool        = "gecko-3/b-linux"
	timeUnit        = time.Hour
)

var certNow = ca.From.AddDate(0, 6, 0)

func documentFile(i int) string { return fmt.Sprintf("%05d.json", i) }

// makeCerts writes documents with their signatures and chains, the root, and
// CRLs.
func makeCerts(dir string) error {
	write := func(name string, data []byte) error { return os.WriteFile(filepath.Join(dir, name), data, 0o600) }
	root := ca.Root("root")
	issuer := root.Intermediate("issuer")
	var workers []*ca.Holder
	for i := range certWorkers + 1 {
		workers = append(workers, issuer.Worker(ca.Key(fmt.Sprint("worker ", i)), "spiffe://"+certDomain+"/worker-pool/"+certPool))
	}
	revoked := workers[certWorkers]
	document := func(i int, w *ca.Holder) error {
		head := fmt.Sprintf(`{"chainOfTrustVersion": 1, "taskId": "%022d", "log": "`, i)
		text := []byte(head + strings.Repeat("x", certBytes-len(head)-2) + `"}`)
		name := documentFile(i)
		if err := write(name, text); err != nil {
			return err
		}
		if err := write(name+".sig", w.Sign(text)); err != nil {
			return err
		}
		return write(name+".pem", w.Chain())
	}
	for i := range certDocuments {
		if err := document(i, workers[i%certWorkers]); err != nil {
			return err
		}
	}
	if err := document(revokedDocument, revoked); err != nil {
		return err
	}
	update := certNow.Add(-timeUnit)
	million := issuer.CRLWith(2, update, func(l *x509.RevocationList) {
		for i := range uint64(crlEntries - 1) {
			var serial [8]byte
			binary.BigEndian.PutUint64(serial[:], 1<<62|i*0x9E3779B97F4A7C15>>2)
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
				SerialNumber: new(big.Int).SetBytes(serial[:]), RevocationTime: update, ReasonCode: 5,
			})
		}
	}, ca.Revoked{Of: revoked, At: update, Reason: 1})
	block, _ := pem.Decode(million)
	for name, data := range map[string][]byte{
		"root.pem": root.PEM(), "root.crl": root.CRL(1, update), "issuer.crl": issuer.CRL(1, update), "million.crl": block.Bytes,
	} {
		if err := write(name, data); err != nil {
			return err
		}
	}
	return nil
}
