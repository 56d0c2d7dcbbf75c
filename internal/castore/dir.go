package castore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/internal/durable"
)

// Root is the issuer name of the root.
const Root = "root"

// Dir is a CA's directory.
type Dir struct{ path string }

// Create makes a directory for a CA that does not exist, or is empty.
func Create(path string) (*Dir, error) {
	entries, err := os.ReadDir(path)
	switch {
	case err == nil && len(entries) > 0:
		return nil, fmt.Errorf("%s is not empty: %w; nothing is overwritten", path, fs.ErrExist)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for _, d := range []string{"", "keys", "certs", "crl"} {
		if err := os.MkdirAll(filepath.Join(path, d), 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a directory
		return nil, err
	}
	return &Dir{path}, nil
}

// Open opens the directory of a CA that exists.
func Open(path string) (*Dir, error) {
	info, err := os.Stat(filepath.Join(path, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no CA (cot-certs init makes one)", path)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", filepath.Join(path, "index"))
	}
	return &Dir{path}, nil
}

// Path gives the path of something in the directory.
func (d *Dir) Path(parts ...string) string {
	return filepath.Join(append([]string{d.path}, parts...)...)
}

// lockPatience is how long another writer is waited for.
const lockPatience = time.Minute

// Lock waits until no other process writes, and keeps others from it until
// unlock is called or this process ends.
func (d *Dir) Lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(d.Path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	late := time.NewTimer(lockPatience)
	defer late.Stop()
	for {
		got, err := tryLock(f)
		switch {
		case err != nil:
			return nil, errors.Join(fmt.Errorf("lock %s: %w", d.path, err), f.Close())
		case got:
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-late.C:
			return nil, errors.Join(fmt.Errorf("%s is in use by another cot-certs", d.path), f.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var issuerName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// CheckName refuses what can't name an intermediate.
func CheckName(name string) error {
	if !issuerName.MatchString(name) || name == Root {
		return fmt.Errorf("%.60q can't name an intermediate: want 1 to 40 of a-z, 0-9, - and _, and not %q", name, Root)
	}
	return nil
}

// Issuers are the names of all issuers, the root first.
func (d *Dir) Issuers() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	names := []string{Root}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".pem")
		if ok && CheckName(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names[1:])
	return names, nil
}

// CreateFile makes a file that is not there.
func (d *Dir) CreateFile(data []byte, parts ...string) error {
	return durable.Create(d.Path(parts...), data, 0o600)
}

// ReplaceCRL puts a newer CRL in place, in both forms. The caller holds the lock.
func (d *Dir) ReplaceCRL(issuer string, der, pem []byte) error {
	return errors.Join(
		durable.Replace(d.Path("crl", issuer+".crl"), der, 0o600),
		durable.Replace(d.Path("crl", issuer+".pem"), pem, 0o600),
	)
}

// NextCRLNumber takes a number that no CRL had: above the last one taken and
// above atLeast, which is what existing CRLs have. The caller holds the lock.
func (d *Dir) NextCRLNumber(atLeast *big.Int) (*big.Int, error) {
	last := new(big.Int)
	data, err := os.ReadFile(d.Path("crlnumber"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		text := strings.TrimSpace(string(data))
		if _, ok := last.SetString(text, 10); !ok || last.Sign() < 0 || last.String() != text {
			return nil, fmt.Errorf("%s: %.60q is no number", d.Path("crlnumber"), text)
		}
	}
	if atLeast != nil && atLeast.Cmp(last) > 0 {
		last.Set(atLeast)
	}
	next := last.Add(last, big.NewInt(1))
	return next, durable.Replace(d.Path("crlnumber"), []byte(next.String()+"\n"), 0o600)
}
