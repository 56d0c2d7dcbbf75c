package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/internal/castore"
)

// issueFlags are those of cot-certs issue.
type issueFlags struct {
	caFlags
	newKeyFlags
	identityFlags
	csr, intermediate string
	life              lifetimeFlag
	crlURL, output    string
}

func (c *certsRun) issueCommand() *cobra.Command {
	f := &issueFlags{life: lifetimeFlag(leafLife)}
	cmd := c.command("issue [flags]", "Issue a worker's certificate", `Issues the certificate of a worker pool or a worker, from a signing request whose
sender proves to hold the key, or for a key made here. Who it is for is said here,
not taken from the request; a request that names somebody else is refused.

The result is the worker's certificate and the intermediate's, in PEM: what
cot-certs sign takes, and what goes beside the document as its .pem.`,
		`  cot-certs issue --ca ca --csr worker.csr --worker-pool gecko-3/b-linux -o worker.pem

  # a key and a certificate for one worker, for a week
  cot-certs issue --ca ca --new-key worker.key --worker-pool gecko-3/b-linux \
                  --worker us-east-1/i-0abc --valid-for 7d -o worker.pem`,
		0, func(ctx context.Context, _ []string) error { return c.issue(ctx, f) })
	fs := cmd.Flags()
	f.caFlags.register(fs)
	fs.StringVar(&f.intermediate, "intermediate", "", "issue by the intermediate `NAME` (default: the only one whose key is here)")
	fs.StringVar(&f.csr, "csr", "", "`FILE` with a signing request in PEM or DER, or - (standard input)")
	f.newKeyFlags.register(fs)
	f.identityFlags.register(fs)
	fs.Var(&f.life, "valid-for", "lifetime, like 12h, 30d or 1y")
	fs.StringVar(&f.crlURL, "crl-url", "", "`URL` where the intermediate's CRL is published, for the certificate")
	fs.StringVarP(&f.output, "output", "o", "", "write the certificates to `FILE`, which must not exist (default: standard output)")
	return cmd
}

func (c *certsRun) issue(ctx context.Context, f *issueFlags) error {
	if (f.csr == "") == (f.file == "") {
		return usagef("say for which key: either --csr FILE or --new-key FILE")
	}
	if f.csr != "" && (f.encrypt || f.newKeyFlags.passphraseFile != "") {
		return usagef("--encrypt and --passphrase-file are for a new key; the intermediate's passphrase is --ca-passphrase-file")
	}
	if err := absent(f.output); err != nil {
		return err
	}
	a, err := c.openCA(f.caFlags)
	if err != nil {
		return err
	}
	name, err := a.intermediate(f.intermediate)
	if err != nil {
		return err
	}
	i, done, err := a.issuer(ctx, name)
	if err != nil {
		return usage(err)
	}
	defer done()
	id, err := f.identity(func() (string, error) {
		domain, err := authority.TrustDomainOf(i.Certificate())
		return domain, usage(err)
	})
	if err != nil {
		return err
	}
	public, save, err := c.subjectKey(ctx, f, id)
	if err != nil {
		return err
	}
	leaf, err := i.Leaf(authority.Leaf{
		Identity: id, Window: leafWindow(i, f.life, c.now()), Public: public, CRLURL: f.crlURL,
	}, rand.Reader)
	if err != nil {
		return usage(err)
	}
	if err := a.keep(ctx, name, leaf, id, save); err != nil {
		return err
	}
	c.note("%s: serial %s, until %s", id, castore.SerialText(leaf.SerialNumber), leaf.NotAfter.UTC().Format(time.RFC3339))
	return c.result(f.output, certificatesPEM(leaf, i.Certificate()))
}

// intermediate gives the name of the intermediate that issues.
func (a *ca) intermediate(name string) (string, error) {
	if name == castore.Root {
		return "", usagef("the root issues to no worker: --intermediate names an intermediate")
	}
	if name != "" {
		return name, usage(castore.CheckName(name))
	}
	names, err := a.withKeys()
	switch {
	case err != nil:
		return "", err
	case len(names) == 0:
		return "", usagef("%s has no intermediate whose key is here", a.flags.dir)
	case len(names) > 1:
		return "", usagef("say by which intermediate: --intermediate %s", strings.Join(names, "|"))
	}
	return names[0], nil
}

// subjectKey is the key to certify: the request's, if it names nobody else, or
// a new one, which save writes.
func (c *certsRun) subjectKey(ctx context.Context, f *issueFlags, id authority.Identity) (crypto.PublicKey, func() error, error) {
	if f.csr == "" {
		key, save, err := c.makeKey(ctx, &f.newKeyFlags)
		if err != nil {
			return nil, nil, err
		}
		return key.Public(), save, nil
	}
	data, err := c.readFile(f.csr, authority.MaxRequestBytes)
	if err != nil {
		return nil, nil, err
	}
	r, err := authority.ParseRequest(data)
	if err != nil {
		return nil, nil, usagef("%s: %w", f.csr, err)
	}
	if !r.Identity.IsZero() && r.Identity != id {
		return nil, nil, usagef("%s is a request for %s, not for %s", f.csr, r.Identity, id)
	}
	return r.Public, func() error { return nil }, nil
}

// leafWindow begins no earlier than the issuer.
func leafWindow(i *authority.Issuer, life lifetimeFlag, now time.Time) authority.Window {
	w := life.after(now)
	if from := i.Certificate().NotBefore; w.NotBefore.Before(from) {
		w.NotBefore = from
	}
	return w
}

// keep records a certificate before anybody gets it: one that is in the index
// can be revoked, whatever happens next.
func (a *ca) keep(ctx context.Context, issuer string, leaf *x509.Certificate, id authority.Identity, save func() error) error {
	unlock, err := a.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := a.Index()
	if err != nil {
		return usage(err)
	}
	if err := save(); err != nil {
		return err
	}
	entries = append(entries, castore.Entry{
		Serial: leaf.SerialNumber, Issuer: issuer, Identity: id.String(),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
	})
	return errors.Join(
		a.SetIndex(entries),
		a.CreateFile(certificatesPEM(leaf), "certs", castore.SerialText(leaf.SerialNumber)+".pem"),
	)
}
