package policy

import (
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// certificates is what a policy says of certificates and time stamps: checked
// in full, although a policy with it is refused as long as nothing acts on it.
type certificates struct {
	roots, issuers         []anchor
	crls                   []source
	revocation             string
	crlGrace               time.Duration
	crlKeepsExpired        bool
	distributionPoints     bool
	ocsp                   bool
	identities             []identity
	workerIdentityRequired []graph.PoolPattern
	timestamps             *timestamps
}

// anchor is a root or an intermediate with the pools that it may vouch for;
// none means all.
type anchor struct {
	source
	pools []graph.PoolPattern
}

// source is where certificates or CRLs are: exactly one field is set.
type source struct{ pem, file, url string }

// identity maps a SPIFFE ID to the pools it may sign for.
type identity struct {
	spiffeID string
	pools    []graph.PoolPattern
}

type timestamps struct{ roots, crls []source }

const maxCRLGrace = 30 * 24 * time.Hour

func (b *builder) certificates(n *node, at string) *certificates {
	f, ok := b.object(n, at, "roots", "issuers", "crls", "revocation", "crlGrace", "crlKeepsExpired",
		"distributionPoints", "ocsp", "identities", "workerIdentityRequired", "timestamps")
	if !ok {
		return nil
	}
	f.notEmpty("roots")
	c := &certificates{
		roots:                  b.anchors(f, "roots"),
		issuers:                b.anchors(f, "issuers"),
		crls:                   b.sourceList(f, "crls", true),
		revocation:             f.oneOf("revocation", "require", "require", "when-available", "off"),
		crlGrace:               f.duration("crlGrace", maxCRLGrace),
		crlKeepsExpired:        f.boolean("crlKeepsExpired"),
		distributionPoints:     f.boolean("distributionPoints"),
		ocsp:                   f.boolean("ocsp"),
		workerIdentityRequired: f.pools("workerIdentityRequired"),
	}
	for i, n := range f.elements("identities") {
		idf, ok := b.object(n, fmt.Sprintf("%s[%d]", f.at("identities"), i), "spiffeId", "workerPools")
		if !ok {
			continue
		}
		c.identities = append(c.identities, identity{idf.needText("spiffeId", spiffeSyntax), idf.somePools("workerPools")})
	}
	if n := f.n.get("timestamps"); n != nil {
		if tf, ok := b.object(n, f.at("timestamps"), "roots", "crls"); ok {
			tf.notEmpty("roots")
			c.timestamps = &timestamps{b.sourceList(tf, "roots", false), b.sourceList(tf, "crls", true)}
		}
	}
	return c
}

// anchors reads a list of sources, each alone or with its pools.
func (b *builder) anchors(f fields, key string) []anchor {
	var out []anchor
	for i, n := range f.elements(key) {
		at := fmt.Sprintf("%s[%d]", f.at(key), i)
		if n.kind != mapping {
			out = append(out, anchor{source: b.readSource(n, at, false)})
			continue
		}
		af, _ := b.object(n, at, "file", "workerPools")
		if fn := af.need("file"); fn != nil {
			out = append(out, anchor{b.readSource(fn, af.at("file"), false), af.somePools("workerPools")})
		}
	}
	return out
}

func (b *builder) sourceList(f fields, key string, urls bool) []source {
	var out []source
	for i, n := range f.elements(key) {
		out = append(out, b.readSource(n, fmt.Sprintf("%s[%d]", f.at(key), i), urls))
	}
	return out
}

func (b *builder) readSource(n *node, at string, urls bool) source {
	s, ok := b.asText(n, at)
	switch {
	case !ok:
	case strings.HasPrefix(s, "-----BEGIN "):
		if block, _ := pem.Decode([]byte(s)); block == nil {
			b.say(n, at, "malformed PEM", "")
		}
		return source{pem: s}
	case strings.Contains(s, "://") && urls:
		fields{&b.problems, n, at}.checkURL(n, at, s)
		return source{url: s}
	case fileSyntax.check(&b.problems, n, at, s):
		return source{file: s}
	}
	return source{}
}

var durationSyntax = syntax{regexp.MustCompile(`^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$`), "a duration like 24h or 90m"}

// duration reads a length of time like 24h; zero where the key is absent.
func (f fields) duration(key string, high time.Duration) time.Duration {
	s := f.matching(key, durationSyntax)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d > high {
		f.add(f.n.get(key), f.at(key), fmt.Sprintf("a duration like 24h, at most %.0fh", high.Hours()), quoted(s), "")
		return 0
	}
	return d
}

func (b *builder) pgp(n *node, at string) {
	f, ok := b.object(n, at, "keyring")
	if ok {
		f.needText("keyring", directorySyntax)
	}
}
