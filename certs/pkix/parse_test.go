package pkix

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func toPEM(kind string, der []byte, headers ...string) []byte {
	b := &pem.Block{Type: kind, Bytes: der}
	if len(headers) > 0 {
		b.Headers = map[string]string{headers[0]: "x"}
	}
	return pem.EncodeToMemory(b)
}

func TestParseCertificates(t *testing.T) {
	certs := newChain(t).issue()
	der := certs[2].Raw
	one, two := toPEM("CERTIFICATE", der), toPEM("CERTIFICATE", certs[1].Raw)
	tests := []struct {
		name  string
		in    []byte
		count int
		err   string
	}{
		{"PEM", one, 1, ""},
		{"several PEM blocks", slices.Concat(one, two), 2, ""},
		{"PEM with text around, as openssl ca writes it", slices.Concat([]byte("Certificate:\n  Data:\n"), one, []byte("subject=/CN=x\n"), two, []byte("\n")), 2, ""},
		{"DER", der, 1, ""},
		{"several in DER", slices.Concat(der, certs[1].Raw), 2, ""},
		{"nothing", nil, 0, "no certificates"},
		{"text", []byte("hello"), 0, "no certificates"},
		{"a key beside it", slices.Concat(one, toPEM("PRIVATE KEY", []byte("secret"))), 0, `found "PRIVATE KEY"`},
		{"OpenSSL's trusted form", toPEM("TRUSTED CERTIFICATE", der), 0, "want CERTIFICATE"},
		{"headers", toPEM("CERTIFICATE", der, "Proc-Type"), 0, "headers"},
		{"a block without an end", slices.Concat(one, []byte("-----BEGIN CERTIFICATE-----\n")), 0, "does not end"},
		{"a broken block first", slices.Concat(bytes.Replace(one, []byte("M"), []byte("!"), 1), two), 0, "broken"},
		{"a broken block last", slices.Concat(two, bytes.Replace(one, []byte("M"), []byte("!"), 1)), 0, "broken"},
		{"an end of another kind", bytes.Replace(one, []byte("END CERTIFICATE"), []byte("END CERTIFICATES"), 1), 0, "broken"},
		{"rest after the DER", append(bytes.Clone(der), 0), 0, "not DER"},
		{"rest inside a PEM block", toPEM("CERTIFICATE", append(bytes.Clone(der), 0)), 0, "trailing data"},
		{"DER cut short", der[:len(der)-1], 0, "cut short"},
		{"an empty PEM block", toPEM("CERTIFICATE", nil), 0, "malformed"},
		{"too many", bytes.Repeat(one, MaxCertificates+1), 0, "more than"},
		{"too many in DER", bytes.Repeat(der, MaxCertificates+1), 0, "more than"},
		{"too large", toPEM("CERTIFICATE", make([]byte, MaxCertificateBytes+1)), 0, "more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCertificates(tt.in)
			switch {
			case tt.err == "" && (err != nil || len(got) != tt.count):
				t.Errorf("want %d certificates, found %d and %v", tt.count, len(got), err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("want an error with %q, found %v", tt.err, err)
			}
		})
	}
}

// raw makes a self-signed certificate that may be more than ParseCertificate
// takes.
func raw(t *testing.T, change func(*link)) []byte {
	t.Helper()
	l := newCA(t, "x")
	l.SerialNumber = big.NewInt(1)
	change(l)
	der, err := x509.CreateCertificate(rand.Reader, &l.Certificate, &l.Certificate, l.key.Public(), l.key)
	if err != nil {
		t.Fatal(err)
	}
	if l.serial != nil || l.edit[0] != "" {
		der = rewrite(t, l, der, l.key)
	}
	return der
}

// TestRefusedByTheParser has what crypto/x509 refuses, which is relied upon.
func TestRefusedByTheParser(t *testing.T) {
	if _, err := ParseCertificate(raw(t, func(*link) {})); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*link)
		err    string
	}{
		{"negative serial number", func(l *link) { l.serial = []byte{0x80} }, "negative serial"},
		{"serial number not in DER", func(l *link) { l.serial = []byte{0, 1} }, "serial number"},
		{"version 4", func(l *link) { l.edit = [2]string{"\xa0\x03\x02\x01\x02", "\xa0\x03\x02\x01\x03"} }, "version"},
		{"two of one extension", func(l *link) { with(l, ce(31, false, "\x30\x00"), ce(31, false, "\x30\x00")) }, "duplicate extension"},
		{"policy twice", func(l *link) {
			with(l, ce(32, false, seq(0x30, seq(0x30, seq(6, policy["P1"])), seq(0x30, seq(6, policy["P1"])))))
		}, "policies"},
		{"negative path length", func(l *link) {
			l.BasicConstraintsValid, l.IsCA = false, false
			with(l, ce(19, true, seq(0x30, "\x01\x01\xff", "\x02\x01\xff")))
		}, "basic constraints"},
		{"critical key identifier", func(l *link) { with(l, ce(14, true, "\x04\x01\x01")) }, "critical"},
		{"name constraints with a mask of holes", func(l *link) { with(l, permit(subtree(0x87, "\xc0\x00\x02\x00\xff\x00\xff\x00"))) }, "mask"},
		{"critical information access", func(l *link) {
			e := ce(0, true, seq(0x30, seq(0x30, seq(6, "\x2b\x06\x01\x05\x05\x07\x30\x01"), seq(0x86, "http://x"))))
			e.Id = []int{1, 3, 6, 1, 5, 5, 7, 1, 1}
			with(l, e)
		}, "critical"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseCertificate(raw(t, tt.change)); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("want an error with %q, found %v", tt.err, err)
			}
		})
	}
}

func TestRelativeDistributionPointsAreParsedAround(t *testing.T) {
	relative := ce(31, true, seq(0x30, seq(0x30, seq(0xa0, seq(0xa1, seq(0x30, seq(6, "\x55\x04\x03"), seq(0x0c, "CRL1")))))))
	c := newChain(t)
	with(c.leaf, relative)
	certs := c.issue()
	leaf := certs[2]
	if _, err := x509.ParseCertificate(leaf.Raw); err == nil {
		t.Skip("crypto/x509 parses it: the detour can go")
	}
	found := slices.ContainsFunc(leaf.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(relative.Id) && bytes.Equal(e.Value, relative.Value) })
	if !found || len(leaf.UnhandledCriticalExtensions) > 0 {
		t.Errorf("want the extension, handled, found %v and %v", leaf.Extensions, leaf.UnhandledCriticalExtensions)
	}
	if _, err := NewPool(certs[:1], certs[1:2]).Paths(leaf, CodeSigning); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(leaf.Raw, leaf.RawTBSCertificate) {
		t.Error("the signed bytes are not those of the certificate")
	}
}
