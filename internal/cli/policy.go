package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mozilla-releng/cot/internal/evidence"
	"github.com/mozilla-releng/cot/internal/transport"
	"github.com/mozilla-releng/cot/trace/policy"
)

// defaultRootURL is Firefox-CI.
const defaultRootURL = "https://firefox-ci-tc.services.mozilla.com"

// loadPolicy gives the policy that judges, and the deployment's root URL. dest,
// if not empty, is where inputs go: no file of the policy may lie below it.
func (c *common) loadPolicy(s IO, dest string) (*policy.Policy, string, error) {
	root := c.rootURL
	if root == "" {
		root = s.env("TASKCLUSTER_ROOT_URL")
	}
	if root != "" {
		var err error
		if root, err = parseRootURL(root); err != nil {
			return nil, "", err
		}
	}
	if c.policy == "" {
		if root == "" {
			root = defaultRootURL
		}
		p, ok := policy.Builtin(root)
		if !ok {
			return nil, "", usagef("no policy is built in for %s: give one with --policy FILE", root)
		}
		if text, ok := policy.BuiltinText(p.Name); ok {
			c.policyPart("", text)
		}
		return p, root, nil
	}
	p, err := namedPolicy(c.policy, dest, c.policyPart)
	if err != nil {
		return nil, "", err
	}
	switch {
	case root == "":
		root = p.RootURL
	case p.RootURL != root:
		return nil, "", usagef("policy %s is for %s, not for %s", c.policy, p.RootURL, root)
	}
	return p, root, nil
}

func parseRootURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err == nil && u.User != nil {
		return "", usagef("root URL %q: want https://HOST, without user information", transport.Redact(u))
	}
	if err != nil || u.Host == "" || strings.ContainsAny(s, "?#") || strings.Trim(u.Path, "/") != "" {
		return "", usagef("root URL %q: want https://HOST", s)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !transport.OnLoopback(u)) {
		return "", usagef("root URL %q: want https (http only on loopback)", s)
	}
	return u.Scheme + "://" + u.Host, nil
}

// policyPart is told each file that the policy consists of.
func (c *common) policyPart(name string, data []byte) {
	c.policyParts = append(c.policyParts, evidence.File{Name: name, Data: data})
}

// namedPolicy reads a policy file; where there is none of that name, the name
// may be a built-in policy's. part is told each file that is read, the policy
// itself without a name.
func namedPolicy(name, dest string, part func(name string, data []byte)) (*policy.Policy, error) {
	_, err := os.Stat(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return readPolicy(name, dest, part)
	}
	if text, ok := policy.BuiltinText(name); ok {
		part("", text)
		p, err := policy.Parse(name, text, nil)
		return p, usage(err)
	}
	if hint := policy.SuggestBuiltin(name); hint != "" {
		return nil, usagef("policy %s: there is no such file; %s", name, hint)
	}
	return nil, usagef("policy %s: there is no such file, and no policy of that name is built in (%s)", name, strings.Join(policy.Builtins(), ", "))
}

func readPolicy(name, dest string, part func(name string, data []byte)) (*policy.Policy, error) {
	if err := outside(name, dest); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usagef("policy: %w", err)
	}
	defer f.Close()
	data, err := readLimited(f, policy.MaxFileBytes)
	if err != nil {
		return nil, usagef("policy %s: %w", name, err)
	}
	dir, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, usagef("policy: %w", err)
	}
	defer dir.Close()
	part("", data)
	p, err := policy.Parse(name, data, policyFiles{dir, dest, part})
	return p, usage(err)
}

// policyFiles reads what a policy names, from its own directory and no other.
type policyFiles struct {
	dir  *os.Root
	dest string
	part func(name string, data []byte)
}

func (f policyFiles) ReadFile(name string, limit int64) ([]byte, error) {
	if err := outside(filepath.Join(f.dir.Name(), filepath.FromSlash(name)), f.dest); err != nil {
		return nil, err
	}
	file, err := f.dir.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := readLimited(file, limit)
	if err == nil {
		f.part(name, data)
	}
	return data, err
}

func (f policyFiles) ReadDir(name string, limit int) ([]string, error) {
	if err := outside(filepath.Join(f.dir.Name(), filepath.FromSlash(name)), f.dest); err != nil {
		return nil, err
	}
	dir, err := f.dir.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if info, err := dir.Stat(); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, policy.ErrNotDirectory
	}
	names, err := dir.Readdirnames(limit + 1)
	if errors.Is(err, io.EOF) { // it is empty
		err = nil
	}
	return names, err
}

// outside refuses a file of the policy that lies below the destination: what
// is fetched must not be able to become what is trusted.
func outside(name, dest string) error {
	if dest == "" {
		return nil
	}
	file, err := realPath(name)
	if err != nil {
		return usagef("policy: %w", err)
	}
	base, err := realPath(dest)
	if err != nil {
		return usagef("destination: %w", err)
	}
	rel, err := filepath.Rel(base, file)
	if err == nil && filepath.IsLocal(rel) {
		return usagef("policy file %s is below the destination %s, where inputs could replace it: move it, or give another --dest", name, dest)
	}
	return nil
}

// realPath is the absolute path without symbolic links; of what does not exist
// yet, the existing part is resolved.
func realPath(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	parent := filepath.Dir(abs)
	if parent == abs {
		return abs, nil
	}
	real, err = realPath(parent)
	return filepath.Join(real, filepath.Base(abs)), err
}

// readLimited reads all of r, or fails when that is more than limit bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than the limit of %d bytes", limit)
	}
	return data, err
}
