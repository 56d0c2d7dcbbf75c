package timestamp

import (
	"testing"

	"github.com/mozilla-releng/cot/fixtures/tsa"
)

// FuzzParse: whatever is read, the authority's key signed nothing but its reply.
func FuzzParse(f *testing.F) {
	d := newDesk(f)
	for _, ess := range []string{"sha1", "sha256"} {
		d.configure(ess, "yes", "yes", "yes", "6")
		f.Add(d.reply(NewRequest(message, nonce), "-chain", "root.pem"), message)
	}
	a := d.authority
	good := ask(f, a, message, nonce)
	f.Add(good, []byte("other"))
	a.Edit = func(r *tsa.Reply) {
		r.Status, r.NoToken, r.StatusText, r.FailInfo = 2, true, "no", []byte{3, 2, 7, 0x80}
	}
	f.Add(ask(f, a, message, nonce), message)
	f.Fuzz(func(t *testing.T, response, m []byte) {
		_, _, inspected := Inspect(response)
		token, err := Parse(response, m, nonce)
		if (token == nil) == (err == nil) {
			t.Fatalf("%+v, %v", token, err)
		}
		if err == nil && (inspected != nil || string(m) != string(message)) {
			t.Fatalf("%q was never stamped: %+v, %v", m, token, inspected)
		}
	})
}
