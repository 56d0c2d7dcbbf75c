package certs_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
)

var (
	now      = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	document = []byte(`{"chainOfTrustVersion": 1}`)
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), ed25519.SeedSize)))
}

func pools(t *testing.T, names ...string) []graph.PoolPattern {
	t.Helper()
	var out []graph.PoolPattern
	for _, n := range names {
		p, err := graph.ParsePoolPattern(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func trust(t *testing.T) *certs.Trust {
	t.Helper()
	tr, err := certs.New(certs.Config{
		Keys: []certs.Key{
			{Implementation: graph.GenericWorker, Pools: pools(t, "gecko-3/*"), Public: key(0).Public().(ed25519.PublicKey)},
			{Implementation: graph.GenericWorker, Pools: pools(t, "gecko-3/*"), Public: key(1).Public().(ed25519.PublicKey)},
			{Implementation: graph.Scriptworker, Pools: pools(t, "scriptworker-k8s/*"), Public: key(2).Public().(ed25519.PublicKey)},
		},
		UnkeyedPools: pools(t, "*-1/*", "*/*"), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func worker(pool string) certs.Worker {
	p, _ := graph.ParseWorkerPool(pool)
	return certs.Worker{Implementation: graph.GenericWorker, Pool: p, Started: now.Add(-time.Hour), Resolved: now.Add(-time.Minute)}
}

func TestVerifyByKey(t *testing.T) {
	tr := trust(t)
	sign := func(k ed25519.PrivateKey) certs.Signed {
		return certs.Signed{Document: document, Forms: map[certs.Form][]byte{certs.FormSignature: ed25519.Sign(k, document)}}
	}
	with := func(f certs.Form, data []byte) certs.Signed {
		s := sign(key(0))
		s.Forms[f] = data
		return s
	}
	for _, c := range []struct {
		name   string
		signed certs.Signed
		pool   string
		want   certs.Cause // "" is verified
	}{
		{"the first key", sign(key(0)), "gecko-3/b", ""},
		{"the second key", sign(key(1)), "gecko-3/b", ""},
		{"another implementation's key", sign(key(2)), "gecko-3/b", certs.SignerUnauthorized},
		{"nobody's key", sign(key(3)), "gecko-3/b", certs.SignatureInvalid},
		{"a key of other pools", sign(key(0)), "scriptworker-k8s/b", certs.SignerUnauthorized},
		{"no signature", certs.Signed{Document: document, Forms: map[certs.Form][]byte{}}, "gecko-3/b", certs.SignatureMissing},
		{"a signature that could not be read", with(certs.FormSignature, nil), "gecko-3/b", certs.SignatureMissing},
		{"an empty signature", with(certs.FormSignature, []byte{}), "gecko-3/b", certs.SignatureInvalid},
		{"a longer signature", with(certs.FormSignature, append(ed25519.Sign(key(0), document), 0)), "gecko-3/b", certs.SignatureInvalid},
		{"certificates that policy has no roots for", with(certs.FormChain, []byte("x")), "gecko-3/b", certs.SignerUnauthorized},
		{"CMS that policy has no roots for", with(certs.FormCMS, []byte("x")), "gecko-3/b", certs.SignerUnauthorized},
		{"a clear-signed document", with(certs.FormPGP, []byte("x")), "gecko-3/b", certs.SignerUnauthorized},
		{"a time stamp that policy has no authority for", with(certs.FormTimestamp, []byte("x")), "gecko-3/b", certs.TimestampInvalid},
		{"a pool without a published key", sign(key(0)), "gecko-1/b", certs.SignerUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, failures := tr.Verify(t.Context(), c.signed, worker(c.pool))
			if c.want == "" {
				if v == nil || len(failures) != 0 || v.Signers()[0].Method != certs.MethodKey {
					t.Fatalf("%+v, %+v", v, failures)
				}
				return
			}
			if v != nil || len(failures) == 0 || failures[0].Cause != c.want {
				t.Fatalf("%+v, %+v, want %s", v, failures, c.want)
			}
		})
	}
}

// A pool that has a key is never taken as one without.
func TestUnkeyedPools(t *testing.T) {
	tr := trust(t)
	unsigned := certs.Signed{Document: document, Forms: map[certs.Form][]byte{certs.FormSignature: []byte("x")}}
	if _, err := tr.AcceptUnsigned(unsigned, worker("gecko-1/b")); err != nil {
		t.Error(err)
	}
	if v, err := tr.AcceptUnsigned(unsigned, worker("gecko-3/b")); err == nil {
		t.Errorf("an unsigned document of a pool with a key: %+v", v)
	}
	// What could be checked is not passed over.
	unsigned.Forms[certs.FormChain] = []byte("x")
	if v, err := tr.AcceptUnsigned(unsigned, worker("gecko-1/b")); err == nil {
		t.Errorf("a document with a certificate: %+v", v)
	}
	if v, failures := tr.Verify(t.Context(), unsigned, worker("gecko-1/b")); v != nil || failures[0].Cause != certs.SignerUnauthorized {
		t.Errorf("%+v, %+v", v, failures)
	}
}

func TestTrustNeedsSomebody(t *testing.T) {
	if _, err := certs.New(certs.Config{Now: now}); err == nil {
		t.Error("trust in nobody was built")
	}
	if _, err := certs.New(certs.Config{Now: now, Keys: []certs.Key{{Public: key(0).Public().(ed25519.PublicKey)}}}); err == nil {
		t.Error("a key without pools was accepted")
	}
}

// Only what is taken for generic-worker's may be a scriptworker's in truth.
func TestHintOnScriptworkers(t *testing.T) {
	tr, err := certs.New(certs.Config{Keys: []certs.Key{
		{Implementation: graph.Scriptworker, Pools: pools(t, "scriptworker-k8s/*"), Public: key(2).Public().(ed25519.PublicKey)},
		{Implementation: graph.DockerWorker, Pools: pools(t, "gecko-3/*"), Public: key(1).Public().(ed25519.PublicKey)},
	}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		by   byte
		impl graph.Implementation
		want bool
	}{
		{"a scriptworker's key", 2, graph.GenericWorker, true},
		{"nobody's key", 3, graph.GenericWorker, true},
		{"docker-worker's key", 1, graph.GenericWorker, false},
		{"a scriptworker's key, but a docker payload", 2, graph.DockerWorker, false},
		{"nobody's key, but a docker payload", 3, graph.DockerWorker, false},
	} {
		w := worker("other-k8s/signing")
		w.Implementation = c.impl
		_, failures := tr.Verify(t.Context(), certs.Signed{
			Document: document, Forms: map[certs.Form][]byte{certs.FormSignature: ed25519.Sign(key(c.by), document)},
		}, w)
		if len(failures) != 1 || failures[0].Cause != certs.SignerUnauthorized ||
			strings.Contains(failures[0].Hint, "if scriptworkers run in other-k8s/signing, add other-k8s to scriptworkerProvisioners") != c.want {
			t.Errorf("%s: %+v", c.name, failures)
		}
	}
}
