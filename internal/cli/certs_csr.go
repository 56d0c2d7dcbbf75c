package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/internal/keystore"
)

// csrFlags are those of cot-certs csr.
type csrFlags struct {
	newKeyFlags
	identityFlags
	key, rootURL, output string
}

func (c *certsRun) csrCommand() *cobra.Command {
	f := &csrFlags{}
	cmd := c.command("csr [flags]", "Make a key and a signing request for it", `Makes a key (mode 0600) and writes a certificate signing request that names the
worker pool or the worker, and proves that its sender holds the key. The key never
has to leave the machine it is made on. With --key the request is for a key that
exists, in a file or in a key service.

Without a worker pool, worker or SPIFFE ID the request names nobody: that is what
cot-certs init --intermediate-csr takes.`,
		`  cot-certs csr --new-key worker.key --root-url https://tc.example.org \
                --worker-pool gecko-3/b-linux --worker us-east-1/i-0abc -o worker.csr

  # a key in Google's key service
  cot-certs csr --key cloudkms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1 \
                --spiffe-id spiffe://tc.example.org/level/3 -o worker.csr`,
		0, func(ctx context.Context, _ []string) error { return c.csr(ctx, f) })
	fs := cmd.Flags()
	f.newKeyFlags.register(fs)
	fs.StringVar(&f.key, "key", "", "use the key that exists: `FILE` or URI")
	f.identityFlags.register(fs)
	fs.StringVar(&f.rootURL, "root-url", "", "`URL` of the deployment (default: $TASKCLUSTER_ROOT_URL)")
	fs.StringVarP(&f.output, "output", "o", "", "write the request to `FILE`, which must not exist (default: standard output)")
	return cmd
}

func (c *certsRun) csr(ctx context.Context, f *csrFlags) error {
	if (f.file == "") == (f.key == "") {
		return usagef("name the key: either --new-key FILE or --key FILE|URI")
	}
	var id authority.Identity
	var err error
	if f.given() {
		id, err = f.identity(func() (string, error) { return c.trustDomain(f.rootURL) })
		if err != nil {
			return err
		}
	}
	if err := absent(f.output); err != nil {
		return err
	}
	var key crypto.Signer
	save := func() error { return nil }
	if f.key != "" {
		if f.encrypt {
			return usagef("--encrypt is for a new key")
		}
		open, err := c.openKey(ctx, f.key, f.passphraseFile)
		if err != nil {
			return err
		}
		defer open.Close() //nolint:errcheck // nothing was written to it
		key = open
	} else if key, save, err = c.makeKey(ctx, &f.newKeyFlags); err != nil {
		return err
	}
	der, err := authority.NewRequest(id, key, rand.Reader)
	if err != nil {
		return usage(err)
	}
	if err := save(); err != nil {
		return err
	}
	err = c.result(f.output, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	if err != nil && f.file != "" {
		return errors.Join(err, os.Remove(f.file))
	}
	return err
}

// makeKey makes a key; save writes it to its file, which must not exist.
func (c *certsRun) makeKey(ctx context.Context, f *newKeyFlags) (key crypto.Signer, save func() error, err error) {
	kind, err := keystore.ParseKind(f.kind)
	if err != nil {
		return nil, nil, usagef("--key-type: %w", err)
	}
	if err := absent(f.file); err != nil {
		return nil, nil, err
	}
	passphrase, err := f.passphrase(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if key, err = kind.Generate(); err != nil {
		return nil, nil, err
	}
	return key, func() error {
		defer clear(passphrase)
		return keystore.Create(f.file, key, passphrase)
	}, nil
}
