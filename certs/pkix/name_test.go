package pkix

import (
	"strings"
	"testing"
)

// typed is a name of one CN with a string of the given type.
func typed(t uint8, s string) string {
	return seq(0x30, seq(0x31, seq(0x30, seq(6, "\x55\x04\x03"), seq(t, s))))
}

func TestEqualNames(t *testing.T) {
	cn := func(s string) string { return dn("CN", s) }
	two := func(a, b string) string {
		pair := func(oid, s string) string { return seq(0x30, seq(6, oid), seq(0x0c, s)) }
		return seq(0x30, seq(0x31, pair("\x55\x04\x03", a), pair("\x55\x04\x0a", b)))
	}
	swapped := func(a, b string) string {
		pair := func(oid, s string) string { return seq(0x30, seq(6, oid), seq(0x0c, s)) }
		return seq(0x30, seq(0x31, pair("\x55\x04\x0a", b), pair("\x55\x04\x03", a)))
	}
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"itself", cn("a"), cn("a"), true},
		{"empty names", dn(), dn(), true},
		{"another value", cn("a"), cn("b"), false},
		{"another type", cn("a"), dn("O", "a"), false},
		{"case", cn("Example CA"), cn("EXAMPLE ca"), true},
		{"space around and between", cn("Example CA"), cn("  Example    CA "), true},
		{"space inside a word", cn("Example CA"), cn("ExampleCA"), false},
		{"no-break space", cn("Example CA"), cn("Example\u00a0CA"), true},
		{"PrintableString and UTF8String", typed(0x13, "Example"), cn("example"), true},
		{"BMPString", typed(0x1e, "\x00E\x00x"), cn("ex"), true},
		{"UniversalString", typed(0x1c, "\x00\x00\x00E"), cn("e"), true},
		{"TeletexString", typed(0x14, "\xe9"), cn("É"), true},
		{"IA5String", typed(0x16, "Example"), cn("example"), true},
		{"composed and decomposed", cn("é"), cn("e\u0301"), true},
		{"folding of several letters", cn("STRASSE"), cn("straße"), true},
		{"fullwidth", cn("ＡＢＣ"), cn("abc"), true},
		{"Cyrillic look-alike", cn("Exаmple"), cn("Example"), false},
		{"private use, which RFC 4518 prohibits, alike", cn("\ue000"), cn("\ue000"), true},
		{"private use in another case", cn("a\ue000"), cn("A\ue000"), false},
		{"order of RDNs", dn("O", "a", "CN", "b"), dn("CN", "b", "O", "a"), false},
		{"order in an RDN", two("a", "b"), swapped("a", "b"), true},
		{"one RDN of two, two of one", two("a", "b"), dn("CN", "a", "O", "b"), false},
		{"a prefix", dn("O", "a"), dn("O", "a", "CN", "b"), false},
		{"value that holds an encoding of another", cn("a\x00\x00\x00\x01b"), cn("a"), false},
		{"no name", "x", "x", false},
		{"cut short", cn("a")[:8], cn("a")[:8], false},
		{"rest", cn("a") + "\x00", cn("a") + "\x00", false},
		{"an empty RDN", seq(0x30, seq(0x31)), seq(0x30, seq(0x31)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := EqualNames([]byte(tt.a), []byte(tt.b)); got != tt.want {
				t.Errorf("want %t, found %t", tt.want, got)
			}
			if got := EqualNames([]byte(tt.b), []byte(tt.a)); got != tt.want {
				t.Errorf("the other way round: want %t, found %t", tt.want, got)
			}
		})
	}
}

func TestSplitMailbox(t *testing.T) {
	for s, want := range map[string]string{
		"a@example.org": "a|example.org", "A.b+c@EXAMPLE.org": "A.b+c|example.org", "*@example.org": "*|example.org",
		`"a@b"@example.org`: `"a@b"|example.org`, `"a\"b"@example.org`: `"a\"b"|example.org`,
		"": "", "a": "", "@example.org": "", "a@": "", "a@b@example.org": "", "a..b@example.org": "", ".a@example.org": "",
		`"a"b"@example.org`: "", `"a\"@example.org`: "", "a@[192.0.2.1]": "", "a@192.0.2.1": "", "a@example.org.": "", "a@-b.org": "",
		strings.Repeat("a", 65) + "@example.org": "",
	} {
		local, host, ok := splitMailbox(s)
		got := ""
		if ok {
			got = local + "|" + host
		}
		if got != want {
			t.Errorf("%q: want %q, found %q", s, want, got)
		}
	}
}

func TestURIHost(t *testing.T) {
	for s, want := range map[string]string{
		"spiffe://TC.example.org/worker-pool/p/w": "tc.example.org", "https://a@b.org:443/c": "b.org", "spiffe://under_score/": "under_score",
		"urn:x": "", "https://192.0.2.1/": "", "https://[::1]/": "", "https:///x": "", "https://a..b/": "", "https://b.org./": "", "https://1/": "",
		"https://b.org%2eevil.org/": "error", "//b.org/": "error", "b.org": "error", "https://b.org\\@evil.org/": "error", "https://b org/": "error",
	} {
		host, ok := uriHost(s)
		if !ok {
			host = "error"
		}
		if host != want {
			t.Errorf("%q: want %q, found %q", s, want, host)
		}
	}
}
