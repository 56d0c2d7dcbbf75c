package cli

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/internal/castore"
	"github.com/mozilla-releng/cot/internal/keystore"
)

// caFlags name a CA and the keys to it.
type caFlags struct {
	dir                string
	passphraseFile     string
	rootKey            string
	rootPassphraseFile string
}

func (f *caFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.dir, "ca", "ca", "`DIR` of the CA")
	fs.StringVar(&f.passphraseFile, "ca-passphrase-file", "", "the passphrase of the intermediate's key is the first line of `FILE`")
}

func (f *caFlags) registerRoot(fs *pflag.FlagSet) {
	fs.StringVar(&f.rootKey, "root-key", "", "the root's key: `FILE` outside the CA's directory, or a URI")
	fs.StringVar(&f.rootPassphraseFile, "root-passphrase-file", "", "the passphrase of the root's key is the first line of `FILE`")
}

// ca is an open CA.
type ca struct {
	*castore.Dir
	c     *certsRun
	flags caFlags
}

func (c *certsRun) openCA(f caFlags) (*ca, error) {
	d, err := castore.Open(f.dir)
	if err != nil {
		return nil, usage(err)
	}
	return &ca{d, c, f}, nil
}

// certificate reads the certificate of an issuer by its name.
func (a *ca) certificate(name string) (*x509.Certificate, error) {
	file := a.Path(name + ".pem")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%s has no issuer %q", a.flags.dir, name)
	}
	if err != nil {
		return nil, usage(err)
	}
	list, err := parseCertificates(file, data)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// errNoKey is the error of an issuer whose key is not at hand.
var errNoKey = errors.New("its key is not here")

// keyName is the file or the URI of an issuer's key.
func (a *ca) keyName(name string) (string, error) {
	if name == castore.Root {
		if a.flags.rootKey == "" {
			return "", fmt.Errorf("issuer %s: %w: name it with --root-key FILE", name, errNoKey)
		}
		return a.flags.rootKey, nil
	}
	uri, err := keystoreURI(a.Path("keys", name+".uri"))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return uri, usage(err)
	}
	file := a.Path("keys", name+".key")
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("issuer %s: %w: who holds it runs a CA of their own", name, errNoKey)
	}
	return file, nil
}

// keystoreURI reads a URI that may hold a PIN, so its file is as private as a key.
func keystoreURI(file string) (string, error) {
	data, err := keystore.ReadPrivate(file, maxPassphrase)
	uri := strings.TrimSpace(string(data))
	if err == nil && !keystore.IsURI(uri) {
		err = fmt.Errorf("%s holds no URI of a key", file)
	}
	return uri, err
}

// issuer opens an issuer with its key. done frees the key.
func (a *ca) issuer(ctx context.Context, name string) (i *authority.Issuer, done func(), err error) {
	cert, err := a.certificate(name)
	if err != nil {
		return nil, nil, err
	}
	keyName, err := a.keyName(name)
	if err != nil {
		return nil, nil, err
	}
	passphraseFile := a.flags.passphraseFile
	if name == castore.Root {
		passphraseFile = a.flags.rootPassphraseFile
	}
	key, err := a.c.openKey(ctx, keyName, passphraseFile)
	if err != nil {
		return nil, nil, err
	}
	if i, err = authority.NewIssuer(cert, key); err != nil {
		return nil, nil, errors.Join(usagef("%s: %w", keystore.Redact(keyName), err), key.Close())
	}
	return i, func() { _ = key.Close() }, nil
}

// withKeys are the intermediates whose keys are here.
func (a *ca) withKeys() ([]string, error) {
	names, err := a.Issuers()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names[1:] {
		switch _, err := a.keyName(name); {
		case err == nil:
			out = append(out, name)
		case !errors.Is(err, errNoKey):
			return nil, err
		}
	}
	return out, nil
}

// makeCRL signs an issuer's next CRL and puts it in place. The caller holds the
// lock, and entries are the index.
func (a *ca) makeCRL(i *authority.Issuer, name string, entries []castore.Entry, validFor time.Duration) (*big.Int, error) {
	before, err := a.lastCRL(name)
	if err != nil {
		return nil, err
	}
	now := a.c.now().UTC().Truncate(time.Second)
	l := authority.List{ThisUpdate: now, NextUpdate: now.Add(validFor)}
	for _, e := range entries {
		if e.Issuer != name || !e.IsRevoked() {
			continue
		}
		reason, err := authority.ParseReason(e.Reason)
		if err != nil {
			return nil, usagef("%s, serial %s: %w", a.Path("index"), castore.SerialText(e.Serial), err)
		}
		l.Entries = append(l.Entries, authority.Revoked{Serial: e.Serial, At: e.Revoked, Reason: reason, InvalidSince: e.InvalidSince})
	}
	var number *big.Int
	if before != nil {
		a.carryOver(&l, before)
		number = before.Number()
	}
	if l.Number, err = a.NextCRLNumber(number); err != nil {
		return nil, usage(err)
	}
	der, err := i.CRL(l, rand.Reader)
	if err != nil {
		return nil, err
	}
	return l.Number, a.ReplaceCRL(name, der, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

// carryOver keeps what an index that is older than the CRL, such as one from a
// backup, does not have: a CRL takes nothing back.
func (a *ca) carryOver(l *authority.List, before *revocation.CRL) {
	listed := map[string]bool{}
	for _, e := range l.Entries {
		listed[castore.SerialText(e.Serial)] = true
	}
	for e := range before.Entries() {
		serial := castore.SerialText(e.Serial)
		if listed[serial] {
			continue
		}
		r := authority.Revoked{Serial: e.Serial, At: e.RevokedAt, Reason: e.Reason}
		if e.Compromised != nil {
			r.InvalidSince = *e.Compromised
		}
		l.Entries = append(l.Entries, r)
		a.c.note("serial %s is revoked in the CRL and not in %s: it stays revoked; is the index an old one?", serial, a.Path("index"))
	}
}

// lastCRL is an issuer's newest CRL, nil if it has none.
func (a *ca) lastCRL(name string) (*revocation.CRL, error) {
	file := a.Path("crl", name+".crl")
	der, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := revocation.ParseCRLs(der)
	if err != nil {
		return nil, usagef("%s is not a CRL: %w", file, err)
	}
	return list[0], nil
}

// outsideCA refuses a root key that lies in the CA's directory: what issues
// every day must not have it.
func outsideCA(key, dir string) error {
	if keystore.IsURI(key) {
		return nil
	}
	file, err := realPath(key)
	if err != nil {
		return usagef("--root-key: %w", err)
	}
	base, err := realPath(dir)
	if err != nil {
		return usagef("--ca: %w", err)
	}
	if rel, err := filepath.Rel(base, file); err == nil && filepath.IsLocal(rel) {
		return usagef("--root-key %s is in the CA's directory %s: keep the root's key in another place", key, dir)
	}
	return nil
}
