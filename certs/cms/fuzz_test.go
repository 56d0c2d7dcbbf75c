package cms

import (
	"bytes"
	"testing"

	sd "github.com/mozilla-releng/cot/fixtures/signeddata"
)

// FuzzVerify: whatever is read, nothing but what the worker signed is accepted.
// One element of the message is replaced, with lengths that fit.
func FuzzVerify(f *testing.F) {
	w := a("P-256")
	d := newDesk(f, w)
	for _, args := range [][]string{
		{"-outform", "DER"},
		{"-outform", "PEM"},
		{"-outform", "DER", "-noattr"},
		{"-outform", "DER", "-keyid", "-certfile", "ca.pem"},
		{"-outform", "DER", "-nodetach", "-stream"},
	} {
		f.Add(d.sign(args...), content, -1, []byte{})
	}
	f.Add(message(a("Ed25519")).DER(), content, 5, []byte{3})
	f.Add(message(a("RSA-3072")).DER(), []byte("other"), 9, sd.Null())
	f.Fuzz(func(t *testing.T, data, c []byte, n int, replacement []byte) {
		if n >= 0 {
			data = sd.Splice(data, n, replacement)
		}
		s, err := Verify(data, c, Options{})
		if (s == nil) == (err == nil) {
			t.Fatalf("%v, %v", s, err)
		}
		if err != nil {
			return
		}
		if s.Signer.Equal(w.cert) && !bytes.Equal(c, content) {
			t.Fatalf("%q was never signed", c)
		}
		if _, err := s.Attribute(oidMessageDigest); err != nil {
			t.Fatal(err)
		}
	})
}
