package policy

import (
	"net/url"
	"regexp"
	"strings"
)

// What texts in a policy have to look like. The JSON Schema has the same.
var (
	nameSyntax        = short(100, `^[a-z0-9][a-z0-9._-]*$`, "a name of lower-case letters, digits, '.', '_' and '-'")
	productSyntax     = short(100, `^[a-z0-9][a-z0-9-]*$`, "a name of lower-case letters, digits and '-'")
	provisionerSyntax = short(100, `^[A-Za-z0-9_-]+$`, "a provisioner id")
	poolSyntax        = syntax{re: regexp.MustCompile(`^[A-Za-z0-9_*-]{1,100}/[A-Za-z0-9_*-]{1,100}$`), want: "a worker pool like provisionerId/workerType, * as wildcard"}
	hostSyntax        = syntax{re: regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`), want: "a host name in lower case, without port"}
	envPrefixSyntax   = short(100, `^[A-Z][A-Z0-9_]*$`, "a prefix of environment variables like GECKO")
	ownerSyntax       = short(100, `^[A-Za-z0-9-]+$`, "a GitHub owner")
	pathRegexpSyntax  = short(501, `^/[\x21-\x7e]+$`, "a regular expression for the whole path, beginning with /")
	projectSyntax     = short(100, `^[A-Za-z0-9._-]+$`, "a project's alias")
	branchSyntax      = short(200, `^[A-Za-z0-9._/+@*-]+$`, "a branch, * as wildcard")
	treeNameSyntax    = short(100, `^[A-Za-z0-9][A-Za-z0-9._-]*$`, "a tree's name")
	treePathSyntax    = syntax{re: regexp.MustCompile(`^(/[A-Za-z0-9._+~@-]+)+$`), want: "a repository's path like /releases/mozilla-release"}
	scopeSyntax       = short(500, `^[\x20-\x7e]+$`, "a scope of printable ASCII characters")
	taskKindSyntax    = short(100, `^[a-z][a-z0-9-]*$`, "a kind of task like decision, action or docker-image")
	fileSyntax        = syntax{re: regexp.MustCompile(`^` + fileName + `$`), want: "a file name relative to the policy file, in or below its directory"}
	directorySyntax   = syntax{re: regexp.MustCompile(`^` + fileName + `/?$`), want: "a file or directory name relative to the policy file, in or below its directory"}
	spiffeSyntax      = syntax{re: regexp.MustCompile(`^spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`), want: "a SPIFFE ID with a path"}
)

// fileName has no segment that begins with a dot, so none that leads upwards.
const fileName = `[A-Za-z0-9_+@~-][A-Za-z0-9._+@~ -]*(/[A-Za-z0-9_+@~-][A-Za-z0-9._+@~ -]*)*`

// rootURL reads https://HOST, or http://HOST on loopback; a trailing slash is
// dropped.
func (f fields) rootURL(key string) string {
	n, s := f.n.get(key), strings.TrimSuffix(f.text(key), "/")
	if s == "" {
		return ""
	}
	u, ok := f.checkURL(n, f.at(key), s)
	if ok && (u.Path != "" || u.RawQuery != "" || u.ForceQuery) {
		f.add(n, f.at(key), "a root URL without path and query", quoted(s), "")
		return ""
	}
	return s
}

// checkURL checks a URL that may be fetched: https, or http on loopback,
// without user, password and fragment.
func (f fields) checkURL(n *node, at, s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	want := "an https URL"
	switch {
	case err != nil || u.Opaque != "" || strings.HasSuffix(u.Host, ":") || len(s) > 2000 || strings.ContainsAny(s, " #\\"):
	case u.User != nil:
		want += " without user and password"
	case u.Scheme == "http" && loopback(u.Hostname()):
		return u, true
	case u.Scheme == "https" && (hostSyntax.matches(u.Hostname()) || loopback(u.Hostname())):
		return u, true
	}
	hint := ""
	if u != nil && u.Scheme == "http" {
		hint = "plain http is for loopback only"
	}
	f.add(n, at, want, quoted(s), hint)
	return nil, false
}

var loopbackPattern = regexp.MustCompile(`^(localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|::1)$`)

func loopback(host string) bool { return loopbackPattern.MatchString(host) }
