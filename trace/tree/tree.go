// Package tree names what a chain of trust ends at: a repository and a full
// revision, in one canonical form.
package tree

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Repository is a repository in canonical form: https and ssh forms of one
// place are the same value. Only ParseRepository makes one.
type Repository struct{ host, path string }

var (
	hostPattern    = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	pathPattern    = regexp.MustCompile(`^(/[A-Za-z0-9._+~@-]+)+$`)
	scpLikePattern = regexp.MustCompile(`^git@([A-Za-z0-9.-]+):([^:]+)$`)
)

// ParseRepository reads https://HOST/PATH, ssh://HOST/PATH, ssh://git@HOST/PATH
// and git@HOST:PATH. One trailing ".git" or "/" is removed. Userinfo (but the
// customary git@ of ssh), port, query, fragment, "%", "//", "." and ".." are
// errors: two parsers could read them differently.
func ParseRepository(s string) (Repository, error) {
	fail := func(why string) (Repository, error) {
		return Repository{}, fmt.Errorf("repository %q: %s", clip(s), why)
	}
	if m := scpLikePattern.FindStringSubmatch(s); m != nil {
		s = "ssh://" + m[1] + "/" + m[2]
	}
	if strings.ContainsAny(s, "%?#\\ ") {
		return fail("query, fragment, %, backslash and space are not allowed")
	}
	u, err := url.Parse(s)
	if err != nil {
		return fail("not a URL")
	}
	if u.Scheme != "https" && u.Scheme != "ssh" {
		return fail("want an https or ssh URL")
	}
	if u.User != nil && (u.Scheme != "ssh" || u.User.String() != "git") {
		return fail("user and password are not allowed")
	}
	if u.Port() != "" || strings.HasSuffix(u.Host, ":") {
		return fail("a port is not allowed")
	}
	host := strings.ToLower(u.Host)
	if !hostPattern.MatchString(host) || strings.Contains(host, "..") {
		return fail("bad host name")
	}
	path := u.Path
	if strings.HasSuffix(path, ".git") {
		path = strings.TrimSuffix(path, ".git")
	} else {
		path = strings.TrimSuffix(path, "/")
	}
	if !pathPattern.MatchString(path) || strings.HasSuffix(path, ".git") {
		return fail("bad path")
	}
	for _, seg := range strings.Split(path, "/") {
		if seg == "." || seg == ".." {
			return fail("bad path")
		}
	}
	return Repository{host, path}, nil
}

// Host is the lower-case host name.
func (r Repository) Host() string { return r.host }

// Path begins with a slash and has neither a trailing slash nor ".git".
func (r Repository) Path() string { return r.path }

// String is the https form.
func (r Repository) String() string {
	if r == (Repository{}) {
		return ""
	}
	return "https://" + r.host + r.path
}

// IsZero tells whether r names no repository.
func (r Repository) IsZero() bool { return r == Repository{} }

// Revision is a full commit id: 40 (or, for SHA-256 repositories, 64)
// lower-case hex digits.
type Revision struct{ s string }

var revisionPattern = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// ParseRevision reads a full commit id; an abbreviation, branch or tag is an error.
func ParseRevision(s string) (Revision, error) {
	if !revisionPattern.MatchString(s) {
		return Revision{}, fmt.Errorf("revision %q is not a full commit id", clip(s))
	}
	return Revision{s}, nil
}

func (r Revision) String() string { return r.s }

// IsZero tells whether r names no revision.
func (r Revision) IsZero() bool { return r.s == "" }

// Tree is a repository at a revision.
type Tree struct {
	Repository Repository
	Revision   Revision
}

func (t Tree) String() string {
	if t.Revision.IsZero() {
		return t.Repository.String()
	}
	return t.Repository.String() + "@" + t.Revision.String()
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:197] + "..."
	}
	return s
}
