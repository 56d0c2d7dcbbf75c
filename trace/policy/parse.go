package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// APIVersion is the version of the file format.
const APIVersion = "cot/v1"

// Files reads what a policy names: slash-separated names relative to the policy
// file. An implementation should stop reading after limit bytes; Parse refuses
// what is longer.
type Files interface {
	ReadFile(name string, limit int64) ([]byte, error)
}

// Directories are Files that can list what lies in a directory: bare names, of
// which an implementation should give no more than limit+1. The error for what
// is there but no directory is ErrNotDirectory. Without it a policy that names
// a directory is refused.
type Directories interface {
	ReadDir(name string, limit int) ([]string, error)
}

// ErrNotDirectory says that a name is a file's.
var ErrNotDirectory = errors.New("not a directory")

// Parse reads a policy in YAML or JSON; name is what messages call it. The
// error is of type Errors and tells all that is wrong at once. With nil files a
// policy that names a file is refused.
//
// SHA256 of the result is the SHA-256 over one line per source, each
// "ROLE HEX\n" with the SHA-256 of its bytes: the policy itself ("policy"),
// what it extends ("extends firefox-ci"), and every file it reads but CRLs
// ("file NAME"), in that order. It doesn't depend on where the policy file lies.
func Parse(name string, data []byte, files Files) (*Policy, error) {
	r := &reader{file: name}
	top := r.read(data, MaxFileBytes)
	if top == nil {
		return nil, r.err()
	}
	b := &builder{problems: r.problems, files: files}
	b.source("policy", data)
	base, top := b.extend(top)
	if err := b.err(); err != nil {
		return nil, err
	}
	p := b.policy(top)
	if n := top.get("name"); n != nil && usurps(n.value, data) {
		b.say(n, "name", quoted(n.value)+" is the name of a built-in policy", "choose another")
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	p.SHA256 = b.digest()
	p.Relaxed = relaxed(p, base)
	return p, nil
}

// builder makes a policy out of nodes.
type builder struct {
	problems
	files   Files
	sources strings.Builder
}

// source adds bytes that the effective policy consists of.
func (b *builder) source(role string, data []byte) {
	sum := sha256.Sum256(data)
	fmt.Fprintf(&b.sources, "%s %s\n", role, hex.EncodeToString(sum[:]))
}

func (b *builder) digest() string {
	sum := sha256.Sum256([]byte(b.sources.String()))
	return hex.EncodeToString(sum[:])
}

// file reads a file that the policy names at n, as a part of the policy.
func (b *builder) file(n *node, at, name string) []byte {
	data := b.read(n, at, name, MaxFileBytes)
	if data != nil {
		b.source("file "+name, data)
	}
	return data
}

// read reads a file that the policy names at n.
func (b *builder) read(n *node, at, name string, limit int64) []byte {
	switch {
	case !fileSyntax.matches(name):
		b.add(n, at, "a URL or "+fileSyntax.want, quoted(name), "")
		return nil
	case b.files == nil:
		b.say(n, at, "this policy can't read files", "")
		return nil
	}
	data, err := b.files.ReadFile(name, limit)
	switch {
	case err != nil:
		b.say(n, at, "can't read "+quoted(name)+": "+err.Error(), "")
		return nil
	case int64(len(data)) > limit:
		b.say(n, at, fmt.Sprintf("%s has %d bytes, more than the limit of %d", quoted(name), len(data), limit), "")
		return nil
	case len(data) == 0:
		b.say(n, at, quoted(name)+" is empty", "")
		return nil
	}
	return data
}

var topKeys = []string{
	"apiVersion", "name", "extends", "remove", "rootUrl", "signers", "scriptworkerProvisioners",
	"implementations", "vcsHosts", "projects", "products", "limits",
}

// policy decodes the whole; what extends means is done already.
func (b *builder) policy(top *node) *Policy {
	f, ok := b.object(top, "", topKeys...)
	if !ok {
		return nil
	}
	b.apiVersion(f)
	p := &Policy{Name: f.needText("name", nameSyntax)}
	if f.need("rootUrl") != nil {
		p.RootURL = f.rootURL("rootUrl")
	}
	p.ScriptworkerProvisioners = f.texts("scriptworkerProvisioners", provisionerSyntax)
	slices.Sort(p.ScriptworkerProvisioners)
	p.Implementations = b.implementations(f)
	if n := f.need("signers"); n != nil {
		b.signers(p, n)
	}
	p.VCSHosts = b.vcsHosts(f)
	p.Projects = b.projects(f)
	p.Products = b.products(f)
	p.Limits = b.limits(f)
	b.check(p, top)
	return p
}

func (b *builder) apiVersion(f fields) {
	if f.need("apiVersion") != nil {
		f.oneOf("apiVersion", "", APIVersion)
	}
}

func (b *builder) limits(f fields) Limits {
	l := DefaultLimits()
	n := f.n.get("limits")
	if n == nil {
		return l
	}
	f, _ = b.object(n, f.at("limits"), "maxChainLength", "maxCotBytes", "maxTaskGraphBytes")
	l.MaxChainLength = int(f.integer("maxChainLength", int64(l.MaxChainLength), 1, 1000))
	l.MaxCotBytes = f.size("maxCotBytes", l.MaxCotBytes, 1<<10, 1<<30)
	l.MaxTaskGraphBytes = f.size("maxTaskGraphBytes", l.MaxTaskGraphBytes, 1<<10, 16<<30)
	return l
}

// projects reads where the project list is; one in a file must parse.
func (b *builder) projects(f fields) Location {
	const key = "projects"
	s := f.text(key)
	switch {
	case s == "":
		return Location{}
	case strings.Contains(s, "://"):
		f.checkURL(f.n.get(key), f.at(key), s)
		return Location{URL: s}
	}
	n := f.n.get(key)
	data := b.file(n, f.at(key), s)
	if data == nil {
		return Location{}
	}
	if _, err := ParseProjects(data); err != nil {
		b.say(n, f.at(key), quoted(s)+": "+err.Error(), "")
	}
	return Location{Data: data}
}
