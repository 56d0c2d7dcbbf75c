package cli

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/durable"
	"github.com/mozilla-releng/cot/internal/keystore"
)

// backdate lets a certificate be used at once where clocks differ.
const backdate = 5 * time.Minute

// identityFlags say to whom a certificate is issued.
type identityFlags struct{ pool, worker, spiffeID string }

func (f *identityFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.pool, "worker-pool", "", "for the worker pool `PROVISIONER/TYPE`")
	fs.StringVar(&f.worker, "worker", "", "for this one worker of the pool, `GROUP/ID`")
	fs.StringVar(&f.spiffeID, "spiffe-id", "", "for any other SPIFFE `ID` that policy maps to pools")
}

func (f *identityFlags) given() bool { return f.pool != "" || f.worker != "" || f.spiffeID != "" }

// identity gives the identity; domain is asked for where only a pool is named.
func (f *identityFlags) identity(domain func() (string, error)) (authority.Identity, error) {
	var none authority.Identity
	switch {
	case f.spiffeID != "" && (f.pool != "" || f.worker != ""):
		return none, usagef("--spiffe-id excludes --worker-pool and --worker")
	case f.spiffeID != "":
		id, err := authority.ParseIdentity(f.spiffeID)
		return id, usage(err)
	case f.pool == "":
		return none, usagef("say for whom: --worker-pool PROVISIONER/TYPE, with --worker GROUP/ID for one worker alone, or --spiffe-id ID")
	}
	pool, err := graph.ParseWorkerPool(f.pool)
	if err != nil {
		return none, usage(err)
	}
	host, err := domain()
	if err != nil {
		return none, err
	}
	if f.worker == "" {
		id, err := authority.PoolIdentity(host, pool)
		return id, usage(err)
	}
	id, err := authority.WorkerIdentity(host, pool, f.worker)
	return id, usage(err)
}

// trustDomain is the host of --root-url, or of the environment's.
func (c *certsRun) trustDomain(rootURL string) (string, error) {
	if rootURL == "" {
		rootURL = c.env("TASKCLUSTER_ROOT_URL")
	}
	if rootURL == "" {
		return "", usagef("name the deployment: --root-url URL, or TASKCLUSTER_ROOT_URL")
	}
	root, err := parseRootURL(rootURL)
	if err != nil {
		return "", err
	}
	host, err := authority.TrustDomain(root)
	return host, usage(err)
}

// newKeyFlags are those of commands that make a key.
type newKeyFlags struct {
	file, kind     string
	passphraseFile string
	encrypt        bool
}

func (f *newKeyFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "new-key", "", "make a key and write it to `FILE`, which must not exist")
	fs.StringVar(&f.kind, "key-type", string(keystore.Ed25519), "`KIND` of the new key: "+strings.Join(keystore.Kinds(), ", "))
	fs.BoolVar(&f.encrypt, "encrypt", false, "encrypt the new key; the passphrase is asked for")
	fs.StringVar(&f.passphraseFile, "passphrase-file", "", "the passphrase of the key is the first line of `FILE`, or of - (standard input)")
}

// passphrase is that of the new key, empty if it is not to be encrypted.
func (f *newKeyFlags) passphrase(ctx context.Context, c *certsRun) ([]byte, error) {
	if !f.encrypt && f.passphraseFile == "" {
		return nil, nil
	}
	return c.newPassphrase(ctx, f.passphraseFile, f.file)
}

// openKey opens a key that exists.
func (c *certsRun) openKey(ctx context.Context, name, passphraseFile string) (*keystore.Key, error) {
	key, err := keystore.Open(ctx, name, c.passphrase(ctx, passphraseFile))
	if err != nil && !keystore.IsURI(name) {
		return nil, usagef("key %w", err)
	}
	return key, err
}

// lifetimeFlag is a time span in days and years too.
type lifetimeFlag time.Duration

var lifetimePattern = regexp.MustCompile(`^([1-9][0-9]{0,4})([hdwy])$`)

func (l *lifetimeFlag) Set(s string) error {
	m := lifetimePattern.FindStringSubmatch(s)
	if m == nil {
		return errors.New("want a number and h, d, w or y, like 12h, 30d or 5y")
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return err
	}
	day := 24 * time.Hour
	unit := map[string]time.Duration{"h": time.Hour, "d": day, "w": 7 * day, "y": 365 * day}[m[2]]
	if time.Duration(n) > math.MaxInt64/unit || time.Duration(n)*unit > 100*365*day {
		return errors.New("more than a hundred years")
	}
	*l = lifetimeFlag(time.Duration(n) * unit)
	return nil
}

func (l *lifetimeFlag) String() string {
	d, day := time.Duration(*l), 24*time.Hour
	switch {
	case d == 0:
		return ""
	case d%(365*day) == 0:
		return fmt.Sprintf("%dy", d/(365*day))
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	}
	return fmt.Sprintf("%dh", d/time.Hour)
}

func (l *lifetimeFlag) Type() string { return "TIME" }

// after gives the window of a certificate made now.
func (l *lifetimeFlag) after(now time.Time) authority.Window {
	now = now.UTC().Truncate(time.Second)
	return authority.Window{NotBefore: now.Add(-backdate), NotAfter: now.Add(time.Duration(*l))}
}

// timeFlag is an RFC 3339 time. An empty one is a mistake, such as a variable
// that is not set, and does not stand for the default.
type timeFlag struct{ time.Time }

func (t *timeFlag) Set(s string) error {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.IsZero() { // the zero time says that there is none
		return errors.New("want a time like 2026-01-02T15:04:05Z")
	}
	t.Time = at.UTC()
	return nil
}

func (t *timeFlag) String() string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (t *timeFlag) Type() string { return "TIME" }

// maxFileBytes bounds the files that the commands read whole: a CRL of a
// million entries has 41 MB.
const maxFileBytes = 256 << 20

// readFile reads a file of the caller's, or standard input for "-".
func (c *certsRun) readFile(name string, limit int64) ([]byte, error) {
	var r io.Reader = c.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usage(err)
		}
		defer f.Close()
		r = f
	}
	data, err := readLimited(r, limit)
	if err != nil {
		return nil, usagef("%s: %w", name, err)
	}
	return data, nil
}

// absent refuses a file that exists before anything is done.
func absent(name string) error {
	if name == "" {
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return usagef("%s exists, and nothing is overwritten", name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return usage(err)
	}
	return nil
}

// result writes a command's result to a new file, or to standard output.
func (c *certsRun) result(output string, data []byte) error {
	if output == "" {
		_, err := c.Stdout.Write(data)
		return err
	}
	return durable.Create(output, data, 0o644)
}

func certificatesPEM(list ...*x509.Certificate) []byte {
	var out []byte
	for _, cert := range list {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return out
}
