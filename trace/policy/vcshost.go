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

// VCSHost is a host that trees may be read from. The forms are URLs with {repo}
// (the repository's https URL), {host}, {path} (without the leading slash) and,
// in Pushlog and RawFile, {revision} and {file}; an empty one is the host's own.
type VCSHost struct {
	Type    string // VCSMercurial or VCSGitHub
	Pushlog string // hg only
	RawFile string
	API     string // github only: the REST API's base URL, without a slash at its end
	Git     string // github only: a repository's URL for git
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
		h, ok := b.object(pr.value, at, "type", "pushlog", "rawFile", "api", "git")
		if !ok || h.need("type") == nil {
			continue
		}
		host := VCSHost{Type: h.oneOf("type", "", VCSMercurial, VCSGitHub)}
		host.RawFile = h.form("rawFile", formSyntax, "{revision}", "{file}")
		switch host.Type {
		case VCSMercurial:
			host.Pushlog = h.form("pushlog", formSyntax, "{revision}")
			h.notOf(VCSMercurial, "api", "git")
		case VCSGitHub:
			host.API = h.apiURL("api")
			host.Git = h.form("git", gitFormSyntax)
			h.notOf(VCSGitHub, "pushlog")
		}
		out[pr.key.value] = host
	}
	return out
}

// notOf refuses keys that a host of that type has no use for.
func (f fields) notOf(kind string, keys ...string) {
	for _, key := range keys {
		if n := f.n.get(key); n != nil {
			f.problems.say(n, f.at(key), "a host of type "+kind+" has no "+key, "")
		}
	}
}

// The forms have no placeholder but {host} before the host ends, so that a
// repository's path can't choose where a request goes.
const formBegin = `^(\{repo\}|(https://\{host\}|https?://[^/{}?#@\s\\]+)(/[^{}?#@\s\\]*)?\{path\})`

var (
	formSyntax = syntax{
		re:   regexp.MustCompile(formBegin + `/([^{}#\s\\]|\{revision\}|\{file\})+$`),
		want: "a URL form that begins with {repo} or https://HOST/{path}",
	}
	gitFormSyntax = syntax{
		re:   regexp.MustCompile(formBegin + `[^{}?#\s\\]*$`),
		want: "a URL form like {repo}.git or https://HOST/{path}.git",
	}
)

// apiURL reads a URL to which paths are added.
func (f fields) apiURL(key string) string {
	n, s := f.n.get(key), strings.TrimSuffix(f.text(key), "/")
	if s == "" {
		return ""
	}
	if u, ok := f.checkURL(n, f.at(key), s); ok && (u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(s, "{}")) {
		f.add(n, f.at(key), "a URL without query and placeholders", quoted(s), "")
	}
	return s
}

// form reads a URL form that has the placeholders; "" where the key is absent.
func (f fields) form(key string, form syntax, placeholders ...string) string {
	s := f.matching(key, form)
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
