package policy

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/pgp"
)

// maxKeyringFiles bounds the files of a keyring's directory.
const maxKeyringFiles = 1000

// pgp reads the keyring of the method pgp: a file, or all files of a directory.
func (b *builder) pgp(n *node, at string) *certs.PGP {
	f, ok := b.object(n, at, "keyring")
	if !ok {
		return nil
	}
	name := f.needText("keyring", directorySyntax)
	if name == "" {
		return nil
	}
	n, at = f.n.get("keyring"), f.at("keyring")
	out := &certs.PGP{}
	seen := map[string]bool{}
	for _, file := range b.keyringFiles(n, at, name) {
		data := b.file(n, at, file)
		if data == nil {
			continue
		}
		keys, err := pgp.ParseKeys(data)
		if err != nil {
			b.say(n, at, quoted(file)+": "+err.Error(), "export it with gpg --export")
		}
		for _, k := range keys {
			if seen[k.Fingerprint()] {
				b.say(n, at, fmt.Sprintf("%s: OpenPGP key %s stands twice", quoted(file), k.Fingerprint()), "keep the copy that has all revocations")
			}
			seen[k.Fingerprint()] = true
			out.Keys = append(out.Keys, k)
		}
	}
	if len(out.Keys) > pgp.MaxKeys {
		b.say(n, at, fmt.Sprintf("%d keys, more than the limit of %d", len(out.Keys), pgp.MaxKeys), "")
	}
	return out
}

// keyringFiles gives the name itself, or what lies in the directory of that
// name, sorted. Whatever lies there has to be a file of keys.
func (b *builder) keyringFiles(n *node, at, name string) []string {
	dir := strings.TrimSuffix(name, "/")
	lister, ok := b.files.(Directories)
	if !ok {
		if dir != name {
			b.say(n, at, "this policy can't read directories", "")
			return nil
		}
		return []string{name}
	}
	names, err := lister.ReadDir(dir, maxKeyringFiles)
	switch {
	case errors.Is(err, ErrNotDirectory) && dir == name:
		return []string{name}
	case err != nil:
		b.say(n, at, "can't read "+quoted(name)+": "+err.Error(), "")
		return nil
	case len(names) == 0:
		b.say(n, at, quoted(name)+" is empty", "")
		return nil
	case len(names) > maxKeyringFiles:
		b.say(n, at, fmt.Sprintf("%s has more than %d files", quoted(name), maxKeyringFiles), "")
		return nil
	}
	names = slices.Sorted(slices.Values(names))
	for i, base := range names {
		names[i] = path.Join(dir, base)
	}
	return names
}

// fingerprints are those of a policy's OpenPGP keys.
func fingerprints(p *Policy) []string {
	if p.PGP == nil {
		return nil
	}
	var out []string
	for _, k := range p.PGP.Keys {
		out = append(out, k.Fingerprint())
	}
	return out
}
