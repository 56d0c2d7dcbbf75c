package vcs

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/mozilla-releng/cot/trace/tree"
)

// form is a URL with placeholders.
type form string

var (
	placeholderPattern = regexp.MustCompile(`\{[^{}]*\}`)
	filePattern        = regexp.MustCompile(`^[^\x00-\x1f\x7f\\]+$`)
)

// newForm checks that the form is a URL once it is filled, and asks for every
// wanted placeholder.
func newForm(name, s string, want ...string) (form, error) {
	sample, _ := tree.ParseRepository("https://example.org/repository")
	rev, _ := tree.ParseRevision(strings.Repeat("0", 40))
	f := form(s)
	for _, p := range placeholderPattern.FindAllString(s, -1) {
		switch p {
		case "{repo}", "{host}", "{path}", "{revision}", "{file}":
		default:
			return "", fmt.Errorf("%s: unknown placeholder %s", name, p)
		}
	}
	for _, w := range want {
		if !strings.Contains(s, w) {
			return "", fmt.Errorf("%s: %s is missing", name, w)
		}
	}
	if !strings.Contains(s, "{repo}") && !strings.Contains(s, "{path}") {
		return "", fmt.Errorf("%s: it does not name the repository: {repo} or {path} is missing", name)
	}
	if err := checkURL(f.fill(tree.Tree{Repository: sample, Revision: rev}, "file")); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// fill puts the tree and file in; after a "?" all is escaped as a query value.
func (f form) fill(t tree.Tree, file string) string {
	path, query, hasQuery := strings.Cut(string(f), "?")
	values := map[string]string{
		"{repo}": t.Repository.String(), "{host}": t.Repository.Host(),
		"{path}": strings.TrimPrefix(t.Repository.Path(), "/"), "{revision}": t.Revision.String(), "{file}": file,
	}
	replace := func(s string, escape func(string) string) string {
		return placeholderPattern.ReplaceAllStringFunc(s, func(p string) string { return escape(values[p]) })
	}
	out := placeholderPattern.ReplaceAllStringFunc(path, func(p string) string {
		if p == "{file}" {
			return escapePath(file)
		}
		return values[p] // tree's types have nothing in them that needs escaping in a path
	})
	if hasQuery {
		out += "?" + replace(query, url.QueryEscape)
	}
	return out
}

func escapePath(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// checkFile wants a path relative to the tree's root, in its only form.
func checkFile(p string) error {
	if len(p) > 1024 || !filePattern.MatchString(p) {
		return errors.New("not a path in a tree")
	}
	for _, s := range strings.Split(p, "/") {
		if s == "" || s == "." || s == ".." {
			return errors.New("not a path in a tree: empty, . and .. segments are not allowed")
		}
	}
	return nil
}
