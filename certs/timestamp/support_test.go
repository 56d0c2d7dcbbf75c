package timestamp

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/tsa"
)

var (
	noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	message = []byte("a signature")
	nonce   = big.NewInt(0x7fffffffffff)
)

// authority stands at noon, and edits its replies.
func authority(edit func(*tsa.Reply)) *tsa.Authority {
	a := tsa.New(func() time.Time { return noon })
	a.Edit = edit
	return a
}

func ask(t testing.TB, a *tsa.Authority, m []byte, n *big.Int) []byte {
	t.Helper()
	reply, err := a.Reply(NewRequest(m, n))
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func accept(t *testing.T, response []byte) *Token {
	t.Helper()
	token, err := Parse(response, message, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func refuse(t *testing.T, response []byte, want string) {
	t.Helper()
	token, err := Parse(response, message, nonce)
	if err == nil || token != nil {
		t.Fatal("accepted")
	}
	if !strings.Contains(err.Error(), want) {
		t.Fatalf("want an error with %q, found %q", want, err)
	}
}
