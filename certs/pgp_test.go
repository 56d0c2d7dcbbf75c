package certs_test

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/pgp"
	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/fixtures/gnupg"
)

// archived is a clear-signed document of a run in 2017, and who judges it
// when. A case changes it in one thing.
type archived struct {
	*gnupg.Home
	config   certs.Config
	run      certs.Worker
	ring     []string
	signed   certs.Signed
	document string
}

var (
	keyMade = time.Date(2017, 3, 1, 12, 0, 0, 0, time.UTC)
	ranAt   = keyMade.AddDate(0, 0, 10)
)

func newArchive(t *testing.T) *archived {
	w := worker("gecko-3/b-linux")
	w.Started, w.Resolved = ranAt, ranAt.Add(time.Hour)
	a := &archived{Home: gnupg.New(t, keyMade), run: w, ring: []string{"worker"}, document: string(document)}
	a.config = certs.Config{Now: ranAt.AddDate(0, 1, 0), Archive: true}
	a.Key("worker", "rsa2048", "sign", "1y")
	a.Now = w.Resolved.Add(-time.Minute)
	a.clearSign()
	return a
}

// clearSign makes the clear-signed document the only one.
func (a *archived) clearSign(args ...string) {
	a.signed = certs.Signed{Forms: map[certs.Form][]byte{certs.FormPGP: a.Sign(a.document, "worker", args...)}}
}

// beside puts the plain document, and a signature by a pinned key, beside it.
func (a *archived) beside(t *testing.T, document string) {
	a.signed.Document = []byte(document)
	a.signed.Forms[certs.FormSignature] = ed25519.Sign(key(0), a.signed.Document)
	a.config.Keys = []certs.Key{{Implementation: a.run.Implementation, Pools: pools(t, "gecko-3/*"), Public: key(0).Public().(ed25519.PublicKey)}}
}

func TestClearSigned(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(t *testing.T, a *archived)
		want certs.Cause // "" is verified
	}{
		{"as it is", nil, ""},
		{"live", func(t *testing.T, a *archived) {
			a.config.Archive = false
			a.config.UnkeyedPools = pools(t, "other/*")
		}, certs.SignerUnauthorized},
		{"live, and demanded", func(t *testing.T, a *archived) {
			a.config.Archive = false
			a.config.UnkeyedPools = pools(t, "other/*")
			a.config.Require = []certs.Requirement{{Pools: pools(t, "*/*"), Methods: []certs.Method{certs.MethodPGP}}}
		}, certs.SignerUnauthorized},
		{"demanded", func(t *testing.T, a *archived) {
			a.config.Require = []certs.Requirement{{Pools: pools(t, "*/*"), Methods: []certs.Method{certs.MethodPGP}}}
		}, ""},
		{"another method demanded", func(t *testing.T, a *archived) {
			a.config.Require = []certs.Requirement{{Pools: pools(t, "*/*"), Methods: []certs.Method{certs.MethodKey}}}
		}, certs.SignerUnauthorized},
		{"a pool with certificates", func(t *testing.T, a *archived) {
			a.config.Certificates = &certs.Certificates{
				TrustDomain: domain, Revocation: certs.RevocationOff, Roots: []certs.Anchor{{Certificate: ca.Root("root").Certificate}},
			}
		}, certs.SignerUnauthorized},
		{"policy names no keyring", func(t *testing.T, a *archived) {
			a.ring = nil
			a.config.UnkeyedPools = pools(t, "other/*")
		}, certs.SignerUnauthorized},
		{"a key that is not in the ring", func(_ *testing.T, a *archived) {
			a.Key("other", "ed25519", "sign", "1y")
			a.ring = []string{"other"}
		}, certs.SignatureInvalid},
		{"a changed text", func(_ *testing.T, a *archived) {
			asc := strings.Replace(string(a.signed.Forms[certs.FormPGP]), "Version\": 1", "Version\": 2", 1)
			a.signed.Forms[certs.FormPGP] = []byte(asc)
		}, certs.SignatureInvalid},
		{"no clear-signed message", func(_ *testing.T, a *archived) { a.signed.Forms[certs.FormPGP] = document }, certs.SignatureInvalid},
		{"listed and lost", func(_ *testing.T, a *archived) { a.signed.Forms[certs.FormPGP] = nil }, certs.SignatureMissing},
		{"SHA-1", func(_ *testing.T, a *archived) { a.clearSign("--digest-algo", "SHA1") }, certs.SignatureInvalid},

		{"a key that has expired by now", func(_ *testing.T, a *archived) { a.config.Now = ranAt.AddDate(2, 0, 0) }, certs.SignerUnauthorized},
		{"a key that has expired by now, the queue's time trusted", func(_ *testing.T, a *archived) {
			a.config.Now, a.config.QueueTimeTrusted = ranAt.AddDate(2, 0, 0), true
		}, ""},
		{"a key that had expired, and a signature set back", func(_ *testing.T, a *archived) {
			a.run.Started, a.run.Resolved = ranAt.AddDate(1, 1, 0), ranAt.AddDate(1, 1, 1)
			a.config.Now, a.config.QueueTimeTrusted = ranAt.AddDate(2, 0, 0), true
		}, certs.SignerUnauthorized},
		{"a run before the key was made", func(_ *testing.T, a *archived) {
			a.run.Started, a.run.Resolved = keyMade.AddDate(0, 0, -2), keyMade.AddDate(0, 0, -1)
		}, certs.SignerUnauthorized},
		{"a signature of the future", func(_ *testing.T, a *archived) {
			a.Now = a.config.Now.AddDate(0, 1, 0)
			a.clearSign()
		}, certs.SignatureInvalid},
		{"a signature that has expired by now", func(_ *testing.T, a *archived) {
			a.clearSign("--default-sig-expire", "2d")
		}, certs.SignatureInvalid},
		{"a signature that has not expired", func(_ *testing.T, a *archived) { a.clearSign("--default-sig-expire", "1y") }, ""},
		{"a signature that has expired by now, the queue's time trusted", func(_ *testing.T, a *archived) {
			a.clearSign("--default-sig-expire", "2d")
			a.config.QueueTimeTrusted = true
		}, ""},

		{"the plain document beside", func(t *testing.T, a *archived) { a.beside(t, a.document) }, ""},
		{"the plain document with a line ending", func(t *testing.T, a *archived) { a.beside(t, a.document+"\n") }, ""},
		{"the plain document with two", func(t *testing.T, a *archived) { a.beside(t, a.document+"\n\n") }, certs.SignatureInvalid},
		{"another document beside", func(t *testing.T, a *archived) { a.beside(t, `{"chainOfTrustVersion": 1 }`) }, certs.SignatureInvalid},
		{"a bad signature beside", func(t *testing.T, a *archived) {
			a.beside(t, a.document)
			a.signed.Forms[certs.FormSignature][3] ^= 1
		}, certs.SignatureInvalid},
		{"a signature without the document beside", func(t *testing.T, a *archived) {
			a.beside(t, a.document)
			a.signed.Document = nil
		}, certs.SignatureInvalid},
		{"bad beside a good signature", func(t *testing.T, a *archived) {
			a.Key("other", "ed25519", "sign", "1y")
			a.ring = []string{"other"}
			a.beside(t, a.document)
		}, certs.SignatureInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			if c.edit != nil {
				c.edit(t, a)
			}
			if a.ring != nil {
				keys, err := pgp.ParseKeys(a.Export(a.ring...))
				if err != nil {
					t.Fatal(err)
				}
				a.config.PGP = &certs.PGP{Keys: keys}
			}
			tr, err := certs.New(a.config)
			if err != nil {
				t.Fatal(err)
			}
			v, failures := tr.Verify(t.Context(), a.signed, a.run)
			if c.want != "" {
				if v != nil || !slices.ContainsFunc(failures, func(f certs.Failure) bool { return f.Cause == c.want }) {
					t.Fatalf("%+v, %+v, want %s", v, failures, c.want)
				}
				return
			}
			if v == nil || len(failures) != 0 {
				t.Fatalf("refused: %+v", failures)
			}
			by := v.Signers()[len(v.Signers())-1]
			if by.Method != certs.MethodPGP || by.Identity != "openpgp4fpr:"+a.Fingerprint("worker") || len(by.KeyID) != 64 || !by.SignedAt.Equal(a.run.Resolved) {
				t.Errorf("signer %+v", by)
			}
			if got := strings.TrimSuffix(string(v.Bytes()), "\n"); got != a.document {
				t.Errorf("document %q, want %q", got, a.document)
			}
		})
	}
}

// Keys that count in archives alone are nobody to trust elsewhere.
func TestKeyringAloneIsForArchives(t *testing.T) {
	h := gnupg.New(t, keyMade)
	h.Key("worker", "ed25519", "sign", "1y")
	keys, err := pgp.ParseKeys(h.Export("worker"))
	if err != nil {
		t.Fatal(err)
	}
	c := certs.Config{PGP: &certs.PGP{Keys: keys}, Now: now}
	if _, err := certs.New(c); err == nil {
		t.Error("trust in nobody was built")
	}
	c.Archive = true
	if _, err := certs.New(c); err != nil {
		t.Error(err)
	}
	c.PGP.Keys = append(keys, keys[0])
	if _, err := certs.New(c); err == nil {
		t.Error("a key that stands twice was accepted")
	}
}
