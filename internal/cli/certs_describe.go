package cli

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/certs/signing"
	"github.com/mozilla-releng/cot/certs/timestamp"
)

// hexSerial has whole bytes, as openssl prints them.
func hexSerial(n *big.Int) string {
	s := fmt.Sprintf("%x", n)
	if len(s)%2 != 0 && n.Sign() >= 0 {
		s = "0" + s
	}
	return s
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// keyID is the id by which reports and --distrust name a key.
func keyID(spki []byte) string {
	sum := sha256.Sum256(spki)
	id, err := certs.ParseKeyID(hex.EncodeToString(sum[:]))
	if err != nil {
		return ""
	}
	return string(id)
}

func describeCertificate(c *x509.Certificate) thing {
	t := thing{kind: "a certificate"}
	if c.IsCA {
		t.kind = "a CA's certificate"
		if bytes.Equal(c.RawIssuer, c.RawSubject) {
			t.kind = "a root's certificate"
		}
	}
	t.addText("subject", c.Subject.String())
	t.add("issuer", c.Issuer.String())
	t.add("serial", hexSerial(c.SerialNumber))
	t.add("not before", rfc3339(c.NotBefore))
	t.add("not after", rfc3339(c.NotAfter))
	t.add("key", signing.KeyName(c.PublicKey))
	t.add("key ID", keyID(c.RawSubjectPublicKeyInfo))
	t.add("signed with", c.SignatureAlgorithm.String())
	t.add("CA", c.IsCA)
	if c.MaxPathLen > 0 || c.MaxPathLenZero {
		t.add("path length", c.MaxPathLen)
	}
	addList(&t, "key usage", keyUsages(c.KeyUsage))
	addList(&t, "extended key usage", extKeyUsages(c))
	addList(&t, "names", alternativeNames(c))
	addList(&t, "permitted hosts", c.PermittedURIDomains)
	addList(&t, "excluded hosts", c.ExcludedURIDomains)
	addList(&t, "CRL at", c.CRLDistributionPoints)
	addList(&t, "OCSP at", c.OCSPServer)
	if c.IsCA {
		return t
	}
	if _, err := signing.CheckLeaf(c); err != nil {
		t.add("worker profile", "no: "+err.Error())
	} else {
		t.add("worker profile", "yes")
	}
	return t
}

func addList(t *thing, name string, list []string) {
	if len(list) > 0 {
		t.add(name, list)
	}
}

func keyUsages(u x509.KeyUsage) []string {
	var out []string
	for i, name := range []string{
		"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment",
		"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
	} {
		if u&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

func extKeyUsages(c *x509.Certificate) []string {
	names := map[x509.ExtKeyUsage]string{
		x509.ExtKeyUsageAny: "any", x509.ExtKeyUsageServerAuth: "serverAuth", x509.ExtKeyUsageClientAuth: "clientAuth",
		x509.ExtKeyUsageCodeSigning: "codeSigning", x509.ExtKeyUsageEmailProtection: "emailProtection",
		x509.ExtKeyUsageTimeStamping: "timeStamping", x509.ExtKeyUsageOCSPSigning: "OCSPSigning",
	}
	var out []string
	for _, u := range c.ExtKeyUsage {
		name, ok := names[u]
		if !ok {
			name = fmt.Sprintf("number %d of crypto/x509", u)
		}
		out = append(out, name)
	}
	for _, u := range c.UnknownExtKeyUsage {
		out = append(out, u.String())
	}
	return out
}

func alternativeNames(c *x509.Certificate) []string {
	var out []string
	for _, u := range c.URIs {
		out = append(out, "URI "+u.String())
	}
	for _, n := range c.DNSNames {
		out = append(out, "DNS "+n)
	}
	for _, n := range c.EmailAddresses {
		out = append(out, "email "+n)
	}
	for _, n := range c.IPAddresses {
		out = append(out, "IP "+n.String())
	}
	return out
}

func describeRequest(der []byte) (thing, error) {
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return thing{}, err
	}
	t := thing{kind: "a certificate signing request"}
	t.addText("subject", r.Subject.String())
	t.add("key", signing.KeyName(r.PublicKey))
	t.add("key ID", keyID(r.RawSubjectPublicKeyInfo))
	t.add("signed with", r.SignatureAlgorithm.String())
	addList(&t, "names", alternativeNames(&x509.Certificate{
		URIs: r.URIs, DNSNames: r.DNSNames, EmailAddresses: r.EmailAddresses, IPAddresses: r.IPAddresses,
	}))
	if _, err := authority.ParseRequest(der); err != nil {
		t.add("can be issued", "no: "+err.Error())
	} else {
		t.add("can be issued", "yes: its sender holds the key")
	}
	return t, nil
}

// maxEntries are shown of a CRL.
const maxEntries = 1000

func describeCRL(der []byte) (thing, error) {
	lists, err := revocation.ParseCRLs(der)
	if err != nil {
		return thing{}, err
	}
	if len(lists) != 1 {
		return thing{}, fmt.Errorf("%d CRLs, want one", len(lists))
	}
	l := lists[0]
	t := thing{kind: "a CRL"}
	if base := l.Base(); base != nil {
		t.kind = "a delta CRL"
		t.add("base", base.String())
	}
	t.add("is", l.String())
	if n := l.Number(); n != nil {
		t.add("number", n.String())
	}
	t.add("this update", rfc3339(l.ThisUpdate()))
	if next := l.NextUpdate(); !next.IsZero() {
		t.add("next update", rfc3339(next))
	}
	if since := l.KeepsExpired(); !since.IsZero() {
		t.add("keeps expired since", rfc3339(since))
	}
	t.add("revoked", l.Len())
	var entries []string
	for e := range l.Entries() {
		if len(entries) == maxEntries {
			entries = append(entries, fmt.Sprintf("and %d more", l.Len()-maxEntries))
			break
		}
		s := fmt.Sprintf("%s %s %s", hexSerial(e.Serial), rfc3339(e.RevokedAt), e.Reason)
		if e.Compromised != nil {
			s += " invalid since " + rfc3339(*e.Compromised)
		}
		entries = append(entries, s)
	}
	addList(&t, "entries", entries)
	return t, nil
}

func describeCMS(der []byte) (thing, error) {
	m, err := cms.Parse(der)
	if err != nil {
		return thing{}, err
	}
	t := thing{kind: "a CMS signature (SignedData)"}
	describeMessage(&t, m)
	return t, nil
}

func describeMessage(t *thing, m *cms.Message) {
	t.add("content type", algorithmName(m.ContentType.String()))
	t.add("detached", !m.Attached)
	name := func(c *x509.Certificate) string {
		names := []string{c.Subject.String()}
		for _, u := range c.URIs {
			names = append(names, u.String())
		}
		return fmt.Sprintf("%s, serial %s, %s", strings.Join(names, " "), hexSerial(c.SerialNumber), signing.KeyName(c.PublicKey))
	}
	signer, err := m.Signer()
	if err != nil {
		t.add("signer", "not told: "+err.Error())
	} else {
		t.add("signer", name(signer))
	}
	digest, signature := m.Algorithms()
	t.add("digest", algorithmName(digest.String()))
	t.add("signed with", algorithmName(signature.String()))
	t.add("signed attributes", len(m.SignedAttributes()))
	var names []string
	for _, c := range m.Certificates {
		names = append(names, name(c))
	}
	addList(t, "certificates", names)
}

// algorithmName names what CMS messages of workers and authorities are made
// with; an identifier that is none of these stays a number.
func algorithmName(oid string) string {
	names := map[string]string{
		"2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512",
		"1.2.840.10045.4.3.2": "ECDSA, SHA-256", "1.2.840.10045.4.3.3": "ECDSA, SHA-384", "1.2.840.10045.4.3.4": "ECDSA, SHA-512",
		"1.2.840.113549.1.1.1": "RSA", "1.2.840.113549.1.1.10": "RSA-PSS", "1.2.840.113549.1.1.11": "RSA, SHA-256",
		"1.2.840.113549.1.1.12": "RSA, SHA-384", "1.2.840.113549.1.1.13": "RSA, SHA-512", "1.3.101.112": "Ed25519",
		"1.2.840.113549.1.7.1": "data", "1.2.840.113549.1.9.16.1.4": "time stamp (TSTInfo)",
	}
	if name, ok := names[oid]; ok {
		return name
	}
	return oid
}

func describeTimeStamp(der []byte) (thing, error) {
	info, m, err := timestamp.Inspect(der)
	if err != nil {
		return thing{}, err
	}
	t := thing{kind: "a time stamp (RFC 3161 response)"}
	t.add("time", info.Time.UTC().Format(time.RFC3339Nano))
	if info.Accuracy > 0 {
		t.add("accuracy", info.Accuracy.String())
	}
	t.add("over", fmt.Sprintf("%s %x", info.Hash, info.Imprint))
	t.add("policy", info.Policy)
	t.add("serial", hexSerial(info.Serial))
	if info.Nonce != nil {
		t.add("nonce", fmt.Sprintf("%x", info.Nonce))
	}
	describeMessage(&t, m)
	return t, nil
}

func describePublicKey(der []byte) (thing, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return thing{}, err
	}
	t := thing{kind: "a public key"}
	t.add("key", signing.KeyName(crypto.PublicKey(key)))
	t.add("key ID", keyID(der))
	return t, nil
}

// describeSignature guesses by form and length: a raw signature does not say
// what it is.
func describeSignature(data []byte) (thing, error) {
	var ecdsa struct{ R, S *big.Int }
	var what string
	rest, err := asn1.Unmarshal(data, &ecdsa)
	switch {
	case err == nil && len(rest) == 0 && ecdsa.R.BitLen() <= 256 && ecdsa.S.BitLen() <= 256:
		what = "ECDSA P-256, perhaps"
	case err == nil && len(rest) == 0 && ecdsa.R.BitLen() <= 384 && ecdsa.S.BitLen() <= 384:
		what = "ECDSA P-384, perhaps"
	case len(data) == 64:
		what = "Ed25519, perhaps"
	case len(data) >= 256 && len(data) <= 1024 && len(data)%64 == 0:
		what = fmt.Sprintf("RSA %d, perhaps", len(data)*8)
	default:
		return thing{}, errors.New("not as long as a signature")
	}
	t := thing{kind: "a raw signature"}
	t.add("bytes", len(data))
	t.add("made with", what)
	return t, nil
}
