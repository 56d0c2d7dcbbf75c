package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/internal/castore"
)

// crlFlags are those of cot-certs crl.
type crlFlags struct {
	caFlags
	issuers []string
	life    lifetimeFlag
	output  string
}

func (c *certsRun) crlCommand() *cobra.Command {
	f := &crlFlags{}
	cmd := c.command("crl [flags]", "Make the next revocation lists", `Makes the next CRL of each intermediate whose key is here, and with --root-key the
root's, which lists revoked intermediates. Both are needed to check a whole path.

Numbers only grow. An entry is never dropped, also when its certificate has
expired, and the CRL says so (expiredCertsOnCRL): that is what lets an old, time-
stamped signature be judged. Publish DIR/crl/NAME.crl (DER) where certificates or
policies point; DIR/crl/NAME.pem is the same in PEM.`,
		`  cot-certs crl --ca ca --valid-for 7d

  # the root's, and all in one file for a policy or for openssl -CRLfile
  cot-certs crl --ca ca --issuer root --root-key /media/root.key --valid-for 1y -o crls.pem`,
		0, func(ctx context.Context, _ []string) error { return c.crl(ctx, f) })
	fs := cmd.Flags()
	f.register(fs)
	f.registerRoot(fs)
	fs.StringArrayVar(&f.issuers, "issuer", nil, "only that of the issuer `NAME`, repeatable; root is the root")
	fs.Var(&f.life, "valid-for", "until the next one is due, like 7d (default: 7d, the root's 1y)")
	fs.StringVarP(&f.output, "output", "o", "", "write the newest CRLs of all issuers to `FILE` in PEM, all of it or nothing")
	return cmd
}

func (c *certsRun) crl(ctx context.Context, f *crlFlags) error {
	if f.rootKey != "" {
		if err := outsideCA(f.rootKey, f.dir); err != nil {
			return err
		}
	}
	a, err := c.openCA(f.caFlags)
	if err != nil {
		return err
	}
	names := f.issuers
	if len(names) == 0 {
		if names, err = a.withKeys(); err != nil {
			return err
		}
		if f.rootKey != "" {
			names = append([]string{castore.Root}, names...)
		}
	}
	if len(names) == 0 {
		return usagef("%s has no issuer whose key is here", f.dir)
	}
	for _, name := range names {
		if err := f.make(ctx, a, name); err != nil {
			return err
		}
	}
	if f.output == "" {
		return nil
	}
	return f.bundle(a)
}

func (f *crlFlags) make(ctx context.Context, a *ca, name string) error {
	i, done, err := a.issuer(ctx, name)
	if err != nil {
		return usage(err)
	}
	defer done()
	unlock, err := a.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := a.Index()
	if err != nil {
		return usage(err)
	}
	life := crlLifeOf(name, f.life)
	number, err := a.makeCRL(i, name, entries, life)
	if err != nil {
		return err
	}
	a.c.note("CRL %s of %s: %s, due again before %s", number, name, a.Path("crl", name+".crl"),
		a.c.now().Add(life).UTC().Format(time.RFC3339))
	return nil
}

// crlLifeOf is how long an issuer's CRL is valid where no flag says so: the
// root's key is far away, and what it revokes is rare.
func crlLifeOf(issuer string, said lifetimeFlag) time.Duration {
	switch {
	case said != 0:
		return time.Duration(said)
	case issuer == castore.Root:
		return rootCRLLife
	}
	return crlLife
}

// bundle joins the newest CRLs of all issuers. Unlike certificates they are
// replaced: that is what they are for.
func (f *crlFlags) bundle(a *ca) error {
	names, err := a.Issuers()
	if err != nil {
		return err
	}
	return writeFile(f.output, func(w io.Writer) error {
		for _, name := range names {
			pem, err := os.ReadFile(a.Path("crl", name+".pem"))
			if errors.Is(err, fs.ErrNotExist) {
				a.c.note("%s lacks a CRL of %s, which is made elsewhere", f.output, name)
				continue
			}
			if err != nil {
				return err
			}
			if _, err := w.Write(pem); err != nil {
				return err
			}
		}
		return nil
	})
}
