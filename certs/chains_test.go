package certs

import (
	"bytes"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/ca"
)

// Anybody's chain is parsed, so what is kept is bounded in bytes too.
func TestLongChainsAreNotKept(t *testing.T) {
	chain := ca.Root("root").PEM()
	long := append(bytes.Repeat([]byte("text around it\n"), maxKeptBytes/8), chain...)
	var k chains
	for _, data := range [][]byte{long, chain, chain} {
		if list, err := k.parse(data); err != nil || len(list) != 1 {
			t.Fatalf("%d certificates, %v", len(list), err)
		}
	}
	if len(k.kept) != 1 {
		t.Errorf("%d chains are kept, want 1", len(k.kept))
	}
}
