package certs

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestParseEd25519(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	hexed := func(s string) string {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b64(b)
	}
	good := "kni6ts7z/MRkvs7i6+SF/T6UWj0hAJoHEcrgHB8BBR0="
	tests := []struct{ name, in, err string }{
		{"genuine", good, ""},
		{"another", "jFmyvf3lQiiX0qIFxal5KgIIq6VpUBTQfAtD6hEi8Ms=", ""},
		{"empty", "", "found 0"},
		{"without padding", strings.TrimSuffix(good, "="), "with padding"},
		{"URL alphabet", "kni6ts7z_MRkvs7i6-SF_T6UWj0hAJoHEcrgHB8BBR0=", "standard base64"},
		{"line break inside", good[:20] + "\n" + good[20:], "standard base64"},
		{"line break after", good + "\n", "standard base64"},
		{"trailing bits set", "kni6ts7z/MRkvs7i6+SF/T6UWj0hAJoHEcrgHB8BBR1=", "standard base64"},
		{"31 bytes", b64(make([]byte, 31)), "found 31"},
		{"33 bytes", b64(make([]byte, 33)), "found 33"},
		{"a 44-byte SubjectPublicKeyInfo", b64(make([]byte, 44)), "found 44"},
		{"all zero", b64(make([]byte, 32)), "small order"},
		{"the neutral element", hexed("01" + strings.Repeat("00", 31)), "small order"},
		{"the neutral element, sign bit set", hexed("01" + strings.Repeat("00", 30) + "80"), "small order"},
		{"order 2", hexed("ec" + strings.Repeat("ff", 30) + "7f"), "small order"},
		{"order 4, sign bit set", hexed(strings.Repeat("00", 31) + "80"), "small order"},
		{"order 8", hexed("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "small order"},
		{"order 8, the other sign", hexed("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"), "small order"},
		{"order 8, the other y", hexed("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "small order"},
		{"p, zero again", hexed("ed" + strings.Repeat("ff", 30) + "7f"), "not canonical"},
		{"p + 1, one again", hexed("ee" + strings.Repeat("ff", 30) + "7f"), "not canonical"},
		{"not on the curve", hexed("02" + strings.Repeat("00", 31)), "no point"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParseEd25519(tt.in)
			switch {
			case tt.err == "" && err != nil:
				t.Fatal(err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Fatalf("want an error with %q, found %v", tt.err, err)
			case tt.err == "" && b64(key) != tt.in:
				t.Fatalf("read %s as %s", tt.in, b64(key))
			}
		})
	}
}

func TestEveryGeneratedKeyIsAccepted(t *testing.T) {
	for i := range 64 {
		seed := sha256.Sum256([]byte{byte(i)})
		public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
		got, err := ParseEd25519(base64.StdEncoding.EncodeToString(public))
		if err != nil || !bytes.Equal(got, public) {
			t.Fatalf("key %d: %v", i, err)
		}
	}
}

func TestKeyIDIsOverTheSubjectPublicKeyInfo(t *testing.T) {
	public, err := ParseEd25519("kni6ts7z/MRkvs7i6+SF/T6UWj0hAJoHEcrgHB8BBR0=")
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(spki)
	want := KeyID(hex.EncodeToString(sum[:]))
	if got := (Key{Public: public}).ID(); got != want || len(spki) != 44 {
		t.Fatalf("want %s over 44 bytes, found %s over %d", want, got, len(spki))
	}
	if got, err := ParseKeyID(string(want)); err != nil || got != want {
		t.Fatalf("%q, %v", got, err)
	}
	for _, bad := range []string{"", strings.ToUpper(string(want)), string(want)[1:], string(want) + "0", string(want) + "\n"} {
		if _, err := ParseKeyID(bad); err == nil {
			t.Errorf("%q was read as a key id", bad)
		}
	}
}
