package policy

import (
	"regexp"
	"slices"
	"strings"
)

// Kinds of version control, as vcsHosts and products name them.
const (
	VCSMercurial = "hg"
	VCSGitHub    = "github"
)

// VCSHost is a host that trees may be read from. The forms are URLs of a
// Mercurial host with {repo} (the repository's https URL), {host}, {path}
// (without the leading slash), {revision} and, in RawFile, {file}; an empty
// form is hg's own.
type VCSHost struct {
	Type    string // VCSMercurial or VCSGitHub
	Pushlog string // hg only
	RawFile string // hg only
}

func (b *builder) vcsHosts(f fields) map[string]VCSHost {
	out := map[string]VCSHost{}
	n := f.need("vcsHosts")
	if n == nil {
		return out
	}
	hosts := fields{f.problems, n, f.at("vcsHosts")}
	if !hosts.isMapping() {
		return out
	}
	for _, pr := range n.pairs {
		at := hosts.at(pr.key.value)
		hostSyntax.check(f.problems, pr.key, at, pr.key.value)
		h, ok := b.object(pr.value, at, "type", "pushlog", "rawFile")
		if !ok || h.need("type") == nil {
			continue
		}
		host := VCSHost{Type: h.oneOf("type", "", VCSMercurial, VCSGitHub)}
		switch host.Type {
		case VCSMercurial:
			host.Pushlog = h.form("pushlog", "{revision}")
			host.RawFile = h.form("rawFile", "{revision}", "{file}")
		case VCSGitHub:
			for _, key := range []string{"pushlog", "rawFile"} {
				if n := h.n.get(key); n != nil {
					b.say(n, h.at(key), "only hosts of type hg have URL forms", "")
				}
			}
		}
		out[pr.key.value] = host
	}
	return out
}

// formSyntax has no placeholder but {host} before the host ends, so that a
// repository's path can't choose where a request goes.
var formSyntax = syntax{
	regexp.MustCompile(`^(\{repo\}|(https://\{host\}|https?://[^/{}?#@\s\\]+)(/[^{}?#@\s\\]*)?\{path\})/([^{}#\s\\]|\{revision\}|\{file\})+$`),
	"a URL form that begins with {repo} or https://HOST/{path}",
}

// form reads a URL form that has the placeholders; "" where the key is absent.
func (f fields) form(key string, placeholders ...string) string {
	s := f.matching(key, formSyntax)
	if s == "" {
		return ""
	}
	if before, after, ok := strings.Cut(s, "{path}"); ok && !strings.HasSuffix(before, "/") {
		s = before + "/{path}" + after // HOST{path} and HOST/{path} are one
	}
	n := f.n.get(key)
	for _, p := range []string{"{revision}", "{file}"} {
		if needed := slices.Contains(placeholders, p); needed != strings.Contains(s, p) {
			want := "a URL form with " + p
			if !needed {
				want = "a URL form without " + p
			}
			f.add(n, f.at(key), want, quoted(s), "")
			return ""
		}
	}
	if !strings.HasPrefix(s, "{repo}") {
		prefix, _, _ := strings.Cut(s, "{path}")
		f.checkURL(n, f.at(key), strings.ReplaceAll(prefix, "{host}", "host"))
	}
	return s
}
