package policy

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
)

const maxCRLGrace = 30 * 24 * time.Hour

// certificates reads what a policy says of certificates and time stamps. The
// trust domain of SPIFFE IDs is the root URL's host.
func (b *builder) certificates(n *node, at, rootURL string) *certs.Certificates {
	f, ok := b.object(n, at, "roots", "issuers", "crls", "revocation", "crlGrace", "crlKeepsExpired",
		"distributionPoints", "ocsp", "identities", "workerIdentityRequired", "timestamps")
	if !ok {
		return nil
	}
	f.notEmpty("roots")
	c := &certs.Certificates{
		Roots:   b.anchors(f, "roots"),
		Issuers: b.anchors(f, "issuers"),
		Revocation: certs.Revocation(f.oneOf("revocation", string(certs.RequireRevocation),
			string(certs.RequireRevocation), string(certs.RevocationWhenAvailable), string(certs.RevocationOff))),
		CRLGrace:               f.duration("crlGrace", maxCRLGrace),
		CRLKeepsExpired:        f.boolean("crlKeepsExpired"),
		DistributionPoints:     f.boolean("distributionPoints"),
		OCSP:                   f.boolean("ocsp"),
		WorkerIdentityRequired: f.pools("workerIdentityRequired"),
	}
	c.CRLs, c.CRLURLs = b.crls(f, "crls")
	if u, err := url.Parse(rootURL); err == nil {
		c.TrustDomain = u.Hostname()
	}
	for i, n := range f.elements("identities") {
		idAt := fmt.Sprintf("%s[%d]", f.at("identities"), i)
		idf, ok := b.object(n, idAt, "spiffeId", "workerPools")
		if !ok {
			continue
		}
		id := certs.Identity{SPIFFEID: idf.needText("spiffeId", spiffeSyntax), Pools: idf.somePools("workerPools")}
		if domain, _, _ := strings.Cut(strings.TrimPrefix(id.SPIFFEID, "spiffe://"), "/"); id.SPIFFEID != "" && domain != c.TrustDomain {
			b.add(idf.n.get("spiffeId"), idf.at("spiffeId"), "an id of the trust domain "+c.TrustDomain+", the root URL's host", quoted(id.SPIFFEID), "")
		}
		c.Identities = append(c.Identities, id)
	}
	if n := f.n.get("timestamps"); n != nil {
		if tf, ok := b.object(n, f.at("timestamps"), "roots", "crls"); ok {
			tf.notEmpty("roots")
			t := &certs.Timestamps{}
			for i, n := range tf.elements("roots") {
				t.Roots = append(t.Roots, b.certificateList(n, fmt.Sprintf("%s[%d]", tf.at("roots"), i))...)
			}
			t.CRLs, t.CRLURLs = b.crls(tf, "crls")
			c.Timestamps = t
		}
	}
	return c
}

// anchors reads a list of sources of certificates, each alone or with the pools
// that its certificates may vouch for.
func (b *builder) anchors(f fields, key string) []certs.Anchor {
	var out []certs.Anchor
	for i, n := range f.elements(key) {
		at := fmt.Sprintf("%s[%d]", f.at(key), i)
		if n.kind != mapping {
			for _, c := range b.certificateList(n, at) {
				out = append(out, certs.Anchor{Certificate: c})
			}
			continue
		}
		af, _ := b.object(n, at, "file", "workerPools")
		fn := af.need("file")
		pools := af.somePools("workerPools")
		if fn == nil {
			continue
		}
		for _, c := range b.certificateList(fn, af.at("file")) {
			out = append(out, certs.Anchor{Certificate: c, Pools: pools})
		}
	}
	return out
}

// certificateList reads certificates from a file, or from the policy itself.
func (b *builder) certificateList(n *node, at string) []*x509.Certificate {
	data, what := b.content(n, at, MaxFileBytes)
	if data == nil {
		return nil
	}
	list, err := pkix.ParseCertificates(data)
	if err != nil {
		b.say(n, at, what+": "+err.Error(), "")
	}
	return list
}

// crls reads CRLs from files or from the policy itself, and URLs of others.
// CRLs are not part of the policy's digest: they change while it stays.
func (b *builder) crls(f fields, key string) (lists []*revocation.CRL, urls []string) {
	for i, n := range f.elements(key) {
		at := fmt.Sprintf("%s[%d]", f.at(key), i)
		if n.kind == scalar && strings.Contains(n.value, "://") {
			if _, ok := f.checkURL(n, at, n.value); ok {
				urls = append(urls, n.value)
			}
			continue
		}
		data, what := b.content(n, at, revocation.MaxCRLBytes)
		if data == nil {
			continue
		}
		list, err := revocation.ParseCRLs(data)
		if err != nil {
			b.say(n, at, what+": "+err.Error(), "")
		}
		lists = append(lists, list...)
	}
	return lists, urls
}

// content gives inline PEM, or what is in a file; what names it in messages.
func (b *builder) content(n *node, at string, limit int64) (data []byte, what string) {
	s, ok := b.asText(n, at)
	switch {
	case !ok:
		return nil, ""
	case strings.HasPrefix(s, "-----BEGIN "):
		return []byte(s), "the PEM"
	case limit == MaxFileBytes:
		return b.file(n, at, s), quoted(s)
	}
	return b.read(n, at, s, limit), quoted(s)
}

var durationSyntax = syntax{re: regexp.MustCompile(`^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$`), want: "a duration like 24h or 90m"}

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
