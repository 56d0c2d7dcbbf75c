package authority_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/graph"
)

var (
	now  = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	year = 365 * 24 * time.Hour
)

func key(t testing.TB) crypto.Signer {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func window(d time.Duration) authority.Window {
	return authority.Window{NotBefore: now, NotAfter: now.Add(d)}
}

func root(t testing.TB) *authority.Issuer {
	t.Helper()
	r, err := authority.NewRoot(authority.Name{Organization: "Example", CommonName: "root"}, window(10*year), key(t), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func intermediate(t testing.TB, r *authority.Issuer) *authority.Issuer {
	t.Helper()
	k := key(t)
	c, err := r.Intermediate(authority.Intermediate{
		Name:   authority.Name{Organization: "Example", CommonName: "intermediate"},
		Window: window(2 * year), TrustDomain: "tc.example.org", Public: k.Public(),
	}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i, err := authority.NewIssuer(c, k)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func identity(t testing.TB, s string) authority.Identity {
	t.Helper()
	id, err := authority.ParseIdentity(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

const pool = "spiffe://tc.example.org/worker-pool/gecko-3/b-linux"

func TestLeaf(t *testing.T) {
	i := intermediate(t, root(t))
	seen := map[string]bool{}
	for range 20 {
		c, err := i.Leaf(authority.Leaf{Identity: identity(t, pool), Window: window(24 * time.Hour), Public: key(t).Public()}, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if c.SerialNumber.Sign() <= 0 || c.SerialNumber.BitLen() < 128 || c.SerialNumber.BitLen() > 159 || seen[c.SerialNumber.String()] {
			t.Errorf("serial number %x", c.SerialNumber)
		}
		seen[c.SerialNumber.String()] = true
		if err := c.CheckSignatureFrom(i.Certificate()); err != nil {
			t.Error(err)
		}
	}
}

func TestLeafIsRefused(t *testing.T) {
	r := root(t)
	i := intermediate(t, r)
	good := authority.Leaf{Identity: identity(t, pool), Window: window(24 * time.Hour), Public: key(t).Public()}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, edit := range map[string]func(*authority.Leaf){
		"":                          func(*authority.Leaf) {},
		"no identity":               func(l *authority.Leaf) { l.Identity = authority.Identity{} },
		"may only issue identities": func(l *authority.Leaf) { l.Identity = identity(t, "spiffe://a.tc.example.org/x") },
		"valid only until":          func(l *authority.Leaf) { l.Window = window(3 * year) },
		"valid only from":           func(l *authority.Leaf) { l.Window.NotBefore = now.Add(-time.Hour) },
		"it would never be":         func(l *authority.Leaf) { l.Window = window(-time.Hour) },
		"P-521":                     func(l *authority.Leaf) { l.Public = p521.Public() },
		"the issuer's own":          func(l *authority.Leaf) { l.Public = i.Certificate().PublicKey },
		"not a URL of a CRL":        func(l *authority.Leaf) { l.CRLURL = "ldap://x/y" },
	} {
		l := good
		edit(&l)
		c, err := i.Leaf(l, rand.Reader)
		if want == "" && err == nil {
			continue
		}
		if err == nil || want == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, found %v, %v", want, c, err)
		}
	}
	// The root has no constraints: it issues to no worker.
	if _, err := r.Leaf(good, rand.Reader); err == nil {
		t.Error("the root issued to a worker")
	}
	if _, err := i.Intermediate(authority.Intermediate{}, rand.Reader); err == nil {
		t.Error("an intermediate issued a CA")
	}
	if _, err := authority.NewIssuer(i.Certificate(), key(t)); err == nil {
		t.Error("an issuer with another's key")
	}
	if _, err := i.Leaf(good, bytes.NewReader(make([]byte, 1000))); err == nil {
		t.Error("a serial number of zeros")
	}
}

func TestIdentities(t *testing.T) {
	p := graph.WorkerPool{Provisioner: "gecko-3", WorkerType: "b-linux"}
	if id, err := authority.PoolIdentity("tc.example.org", p); err != nil || id.String() != pool || id.TrustDomain() != "tc.example.org" {
		t.Errorf("%s, %v", id, err)
	}
	if id, err := authority.WorkerIdentity("tc.example.org", p, "us-east-1/i-0"); err != nil || id.String() != pool+"/worker/us-east-1/i-0" {
		t.Errorf("%s, %v", id, err)
	}
	for _, bad := range []string{"", "a", "a/", "/b", "a/b/c", "a/b c", "a/..", "a/%41", "a/" + strings.Repeat("x", 101)} {
		if id, err := authority.WorkerIdentity("tc.example.org", p, bad); err == nil {
			t.Errorf("worker %q: %s", bad, id)
		}
	}
	for _, bad := range []string{
		"", "spiffe://", "spiffe://tc.example.org", "spiffe://tc.example.org/", "SPIFFE://tc.example.org/a", "spiffe://TC.example.org/a",
		"spiffe://tc.example.org/a/../b", "spiffe://tc.example.org/a?b", "spiffe://tc.example.org/a#b", "spiffe://u@tc.example.org/a",
		"spiffe://tc.example.org:1/a", "https://tc.example.org/a", "spiffe://tc.example.org/" + strings.Repeat("x", 2048),
	} {
		if id, err := authority.ParseIdentity(bad); err == nil {
			t.Errorf("%q: %s", bad, id)
		}
	}
	for _, bad := range []string{"", "x", "https://", "https://192.0.2.1", "https://[::1]:1", "https://Tc.example.org", "https://a b"} {
		if host, err := authority.TrustDomain(bad); err == nil {
			t.Errorf("%q: %s", bad, host)
		}
	}
	for root, want := range map[string]string{"http://localhost:8080": "localhost", "http://127.0.0.1:8080": "127.0.0.1"} {
		if host, err := authority.TrustDomain(root); err != nil || host != want {
			t.Errorf("%s: %q, %v", root, host, err)
		}
	}
}

func TestRequest(t *testing.T) {
	k := key(t)
	der, err := authority.NewRequest(identity(t, pool), k, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	for _, data := range [][]byte{der, block, append([]byte("text before\n"), block...)} {
		r, err := authority.ParseRequest(data)
		if err != nil || r.Identity.String() != pool || !authority.SameKey(r.Public, k.Public()) {
			t.Errorf("%+v, %v", r, err)
		}
	}
	// Every changed byte breaks it: nothing is outside of the signature that counts.
	for i := range der {
		flipped := bytes.Clone(der)
		flipped[i] ^= 1
		if _, err := authority.ParseRequest(flipped); err == nil {
			t.Errorf("byte %d can be changed", i)
		}
	}
	// Somebody else's key: the request of one, signed by another.
	other, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, claims{k, key(t)})
	if err == nil {
		if _, err = authority.ParseRequest(other); err == nil {
			t.Error("a request for another's key")
		}
	}
	if _, err := authority.ParseRequest(make([]byte, authority.MaxRequestBytes+1)); err == nil {
		t.Error("a request without a bound")
	}
}

// claims is a signer that says it has another's key.
type claims struct{ says, signs crypto.Signer }

func (c claims) Public() crypto.PublicKey { return c.says.Public() }

func (c claims) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return c.signs.Sign(r, digest, o)
}

func TestCRL(t *testing.T) {
	i := intermediate(t, root(t))
	since := now.Add(-time.Hour)
	der, err := i.CRL(authority.List{
		Number: big.NewInt(7), ThisUpdate: now, NextUpdate: now.Add(time.Hour),
		Entries: []authority.Revoked{
			{Serial: big.NewInt(9), At: now, Reason: revocation.KeyCompromise, InvalidSince: since},
			{Serial: big.NewInt(5), At: now},
		},
	}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.CheckSignatureFrom(i.Certificate()); err != nil {
		t.Error(err)
	}
	e := l.RevokedCertificateEntries
	if l.Number.Int64() != 7 || len(e) != 2 || e[0].SerialNumber.Int64() != 5 || e[1].ReasonCode != 1 || len(e[0].Extensions) != 0 {
		t.Errorf("%v, %+v", l.Number, e)
	}
	var invalid, keeps time.Time
	for _, x := range e[1].Extensions {
		if x.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 24}) {
			if _, err := asn1.Unmarshal(x.Value, &invalid); err != nil || x.Critical {
				t.Error(err)
			}
		}
	}
	for _, x := range l.Extensions {
		if x.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 60}) {
			if _, err := asn1.Unmarshal(x.Value, &keeps); err != nil || x.Critical {
				t.Error(err)
			}
		}
	}
	if !invalid.Equal(since) || !keeps.Equal(i.Certificate().NotBefore) {
		t.Errorf("invalid since %s, expired entries kept since %s", invalid, keeps)
	}
	for _, bad := range []authority.List{
		{ThisUpdate: now, NextUpdate: now.Add(time.Hour)},
		{Number: new(big.Int), ThisUpdate: now, NextUpdate: now.Add(time.Hour)},
		{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now},
	} {
		if _, err := i.CRL(bad, rand.Reader); err == nil {
			t.Errorf("%+v was signed", bad)
		}
	}
}

func TestReasons(t *testing.T) {
	for _, name := range authority.ReasonNames() {
		if r, err := authority.ParseReason(name); err != nil || r.String() != name {
			t.Errorf("%s: %s, %v", name, r, err)
		}
	}
	for _, bad := range []string{"", "removeFromCRL", "KeyCompromise", "1"} {
		if _, err := authority.ParseReason(bad); err == nil {
			t.Errorf("%q is a reason", bad)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	der, err := authority.NewRequest(identity(f, pool), key(f), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := authority.ParseRequest(data)
		if err == nil && r.Public == nil {
			t.Error("a request without a key")
		}
	})
}
