package timestamp

import (
	"testing"

	"github.com/mozilla-releng/cot/certs/cms"
	sd "github.com/mozilla-releng/cot/fixtures/signeddata"
	"github.com/mozilla-releng/cot/fixtures/tsa"
)

// FuzzParse: whatever is read, the authority's key signed nothing but its reply.
// One element of the response is replaced, with lengths that fit.
func FuzzParse(f *testing.F) {
	d := newDesk(f)
	for _, ess := range []string{"sha1", "sha256"} {
		d.configure(ess, "yes", "yes", "yes", "6")
		f.Add(d.reply(NewRequest(message, nonce), "-chain", "root.pem"), message, -1, []byte{})
	}
	a := d.authority
	f.Add(ask(f, a, message, nonce), []byte("other"), 9, sd.Null())
	a.Edit = func(r *tsa.Reply) {
		r.Status, r.NoToken, r.StatusText, r.FailInfo = 2, true, "no", []byte{3, 2, 7, 0x80}
	}
	f.Add(ask(f, a, message, nonce), message, 3, []byte("x"))
	f.Fuzz(func(t *testing.T, response, m []byte, n int, replacement []byte) {
		if n >= 0 {
			response = sd.Splice(response, n, replacement)
		}
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

// FuzzSigned reads what stands behind a signature, as a hostile authority may
// write it.
func FuzzSigned(f *testing.F) {
	d := newDesk(f)
	d.configure("sha1", "yes", "yes", "yes", "6")
	reply := d.reply(NewRequest(message, nonce), "-chain", "root.pem")
	_, m, err := Inspect(reply)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Content, -1, []byte{})
	f.Add(m.Content, 6, []byte("20260601120000.5Z"))
	token, err := m.VerifyAttached(oidTSTInfo, cms.Options{Keys: cms.AuthorityKeys})
	if err != nil {
		f.Fatal(err)
	}
	id, err := token.Attribute(oidSigningCertificate)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(id, -1, []byte{})
	f.Fuzz(func(t *testing.T, der []byte, n int, replacement []byte) {
		if n >= 0 {
			der = sd.Splice(der, n, replacement)
		}
		info, err := parseInfo(der)
		if err == nil && (info.Accuracy < 0 || info.Accuracy > MaxAccuracy || len(info.Imprint) != info.Hash.Size() || info.Serial == nil || info.Policy == "") {
			t.Fatalf("%+v", info)
		}
		if err == nil {
			_ = info.checkAuthority(token.Signer)
		}
		for _, v2 := range []bool{false, true} {
			_ = checkCertificateID(der, token.Signer, v2)
		}
	})
}
