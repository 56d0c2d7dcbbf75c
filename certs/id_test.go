package certs_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/certs"
)

func TestParseID(t *testing.T) {
	key := strings.Repeat("ab", 32)
	for s, want := range map[string]string{
		key:                                    key,
		strings.ToUpper(key):                   key,
		key + ":1a":                            key + ":1a",
		key + ":0":                             key + ":0",
		key + ":001A":                          key + ":1a",
		strings.ToUpper(key) + ":00:1A:2b":     key + ":1a2b",
		key + ":-1a":                           key + ":-1a",
		key + ":" + strings.Repeat("f", 40):    key + ":" + strings.Repeat("f", 40),
		"spiffe://tc.example.com/level/3":      "spiffe://tc.example.com/level/3",
		"spiffe://tc.example.com/a/Worker_1.x": "spiffe://tc.example.com/a/Worker_1.x",
	} {
		if got, err := certs.ParseID(s); err != nil || got != want {
			t.Errorf("%s: got %q and %v, want %q", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "x", key[1:], key + "a", key + ":", key + ":x", key + ":0x1a", key + ":1:2", key + ":1a:", key + ":1a2b:3c", key + ": 1a", key + ":+1a",
		key + ":1a:-2", ":1a", "1a:" + key, " " + key, key + "\n",
		strings.TrimSuffix(strings.Repeat("ab:", 32), ":"), // a fingerprint as openssl writes it may be of anything
		"spiffe://", "spiffe://tc.example.com", "spiffe://tc.example.com/", "spiffe://TC.example.com/level/3", "spiffe:tc.example.com/a",
		"SPIFFE://tc.example.com/level/3", "spiffe://tc.example.com/level/../3", "https://tc.example.com/level/3",
	} {
		if got, err := certs.ParseID(s); err == nil {
			t.Errorf("%q: got %q, want an error", s, got)
		}
	}
}
