package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/internal/castore"
	"github.com/mozilla-releng/cot/internal/keystore"
)

// Lifetimes where no flag says otherwise.
const (
	day              = 24 * time.Hour
	rootLife         = 20 * 365 * day
	intermediateLife = 5 * 365 * day
	leafLife         = 30 * day
	rootCRLLife      = 365 * day
	crlLife          = 7 * day
)

// initFlags are those of cot-certs init.
type initFlags struct {
	caFlags
	rootURL, organization string
	intermediates         []string
	key, csr              string
	kind                  string
	encrypt               bool
	rootLife, life        lifetimeFlag
	crlURL, serverName    string
}

func (c *certsRun) initCommand() *cobra.Command {
	f := &initFlags{rootLife: lifetimeFlag(rootLife), life: lifetimeFlag(intermediateLife)}
	cmd := c.command("init [flags]", "Make a root and intermediates", `Makes a CA: a root, whose key goes to a place of its own and is always encrypted,
and intermediates below it, which may only issue code-signing certificates with
identities of one deployment (critical URI name constraints). First CRLs are made
too; the root's is valid for a year, an intermediate's for a week.

Where the CA exists, init adds intermediates to it and needs the root's key again.
With --intermediate-csr the intermediate's key stays with who made the request
(another team, a CA server). A CA server that makes its own server certificate
needs --server-name. Nothing is ever overwritten.`,
		`  cot-certs init --ca ca --root-url https://tc.example.org --root-key /media/root.key

  # an intermediate whose key is in a cloud's key service
  cot-certs init --ca ca --root-key /media/root.key --intermediate aws \
                 --intermediate-key 'awskms:key-id=alias/cot;region=us-west-2'

  # one for another team, from its request
  cot-certs init --ca ca --root-key /media/root.key --intermediate releng --intermediate-csr releng.csr

  # one for a CA server
  cot-certs init --ca ca --root-key /media/root.key --intermediate step-ca --intermediate-csr step-ca.csr \
                 --server-name ca.tc.example.org`,
		0, func(ctx context.Context, _ []string) error { return c.init(ctx, f) })
	fs := cmd.Flags()
	f.register(fs)
	f.registerRoot(fs)
	fs.StringVar(&f.rootURL, "root-url", "", "`URL` of the deployment whose workers get certificates (default: $TASKCLUSTER_ROOT_URL)")
	fs.StringVar(&f.organization, "name", "", "`NAME` of the CA in its certificates (default: the root URL's host)")
	fs.StringArrayVar(&f.intermediates, "intermediate", nil, "`NAME` of an intermediate, repeatable (default: intermediate)")
	fs.StringVar(&f.key, "intermediate-key", "", "`URI` of the intermediate's key in a service, instead of a new one in a file")
	fs.StringVar(&f.csr, "intermediate-csr", "", "`FILE` with the intermediate's signing request: its key is elsewhere")
	fs.StringVar(&f.kind, "key-type", string(keystore.P384), "`KIND` of new keys: ed25519, p256, p384, rsa3072, rsa4096")
	fs.BoolVar(&f.encrypt, "encrypt", false, "encrypt the intermediates' keys too; the passphrase is asked for")
	fs.Var(&f.rootLife, "root-valid-for", "lifetime of the root, like 20y")
	fs.Var(&f.life, "valid-for", "lifetime of the intermediates, like 5y")
	fs.StringVar(&f.crlURL, "crl-url", "", "`URL` where the root's CRL will be published, for the intermediates' certificates")
	fs.StringVar(&f.serverName, "server-name", "", "`HOST` of a CA server that will hold the intermediate: it may sign that server's certificates too")
	return cmd
}

func (f *initFlags) check() error {
	if f.rootKey == "" {
		return usagef("name a place for the root's key: --root-key FILE, outside the CA's directory")
	}
	if err := outsideCA(f.rootKey, f.dir); err != nil {
		return err
	}
	if len(f.intermediates) == 0 {
		f.intermediates = []string{"intermediate"}
	}
	for i, name := range f.intermediates {
		if err := castore.CheckName(name); err != nil {
			return usagef("--intermediate: %w", err)
		}
		if slices.Contains(f.intermediates[:i], name) {
			return usagef("--intermediate %s is given twice", name)
		}
	}
	switch {
	case f.key != "" && f.csr != "":
		return usagef("--intermediate-key and --intermediate-csr exclude each other")
	case f.key != "" && !keystore.IsURI(f.key):
		return usagef("--intermediate-key %q: want a URI of a key service", f.key)
	case f.serverName != "" && f.key == "" && f.csr == "":
		return usagef("--server-name is for an intermediate that a CA server holds: --intermediate-csr or --intermediate-key")
	case (f.key != "" || f.csr != "") && len(f.intermediates) > 1:
		return usagef("--intermediate-key and --intermediate-csr are for one intermediate at a time")
	case (f.key != "" || f.csr != "") && (f.encrypt || f.passphraseFile != ""):
		return usagef("there is no new intermediate's key to encrypt")
	}
	_, err := keystore.ParseKind(f.kind)
	return usage(err)
}

// newCA is what init puts on disk.
type newCA struct {
	a       *ca
	root    *authority.Issuer
	created bool         // the root is new
	saveKey func() error // of a new root: writes its key
	entries []castore.Entry
	made    []madeIntermediate
}

type madeIntermediate struct {
	name        string
	certificate *x509.Certificate
	key         crypto.Signer // nil: not here
	keyFile     []byte        // what to keep of it
	keyExt      string
}

func (c *certsRun) init(ctx context.Context, f *initFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	n, done, err := c.openOrMakeRoot(ctx, f)
	if err != nil {
		return err
	}
	defer done()
	domain, err := n.trustDomain(f)
	if err != nil {
		return err
	}
	var passphrase []byte
	if f.encrypt || f.passphraseFile != "" {
		if passphrase, err = c.newPassphrase(ctx, f.passphraseFile, "the intermediates' keys"); err != nil {
			return err
		}
	}
	for _, name := range f.intermediates {
		m, err := n.intermediate(ctx, f, name, domain, passphrase)
		if err != nil {
			return err
		}
		n.made = append(n.made, m)
	}
	return n.write(ctx, f)
}

// openOrMakeRoot gives the root with its key: that of the CA that exists, or a
// new one of which nothing is on disk yet.
func (c *certsRun) openOrMakeRoot(ctx context.Context, f *initFlags) (*newCA, func(), error) {
	if d, err := castore.Open(f.dir); err == nil {
		n := &newCA{a: &ca{d, c, f.caFlags}}
		for _, name := range f.intermediates {
			if err := absent(d.Path(name + ".pem")); err != nil {
				return nil, nil, err
			}
		}
		var done func()
		n.root, done, err = n.a.issuer(ctx, castore.Root)
		return n, done, err
	}
	if entries, err := os.ReadDir(f.dir); err == nil && len(entries) > 0 {
		return nil, nil, usagef("%s is not empty and holds no CA: nothing is overwritten", f.dir)
	}
	host, err := c.trustDomain(f.rootURL)
	if err != nil {
		return nil, nil, err
	}
	if f.organization == "" {
		f.organization = host
	}
	n := &newCA{a: &ca{nil, c, f.caFlags}, created: true}
	key, done, err := c.rootKey(ctx, f, n)
	if err != nil {
		return nil, nil, err
	}
	name := authority.Name{Organization: f.organization, CommonName: "Chain of Trust root"}
	if n.root, err = authority.NewRoot(name, f.rootLife.after(c.now()), key, rand.Reader); err != nil {
		done()
		return nil, nil, usage(err)
	}
	return n, done, nil
}

// rootKey makes the root's key, or opens it in a service.
func (c *certsRun) rootKey(ctx context.Context, f *initFlags, n *newCA) (crypto.Signer, func(), error) {
	if keystore.IsURI(f.rootKey) {
		key, err := c.openKey(ctx, f.rootKey, "")
		if err != nil {
			return nil, nil, err
		}
		n.saveKey = func() error { return nil }
		return key, func() { _ = key.Close() }, nil
	}
	if err := absent(f.rootKey); err != nil {
		return nil, nil, err
	}
	passphrase, err := c.newPassphrase(ctx, f.rootPassphraseFile, "the root's key")
	if err != nil {
		return nil, nil, err
	}
	key, err := keystore.Kind(f.kind).Generate()
	if err != nil {
		return nil, nil, err
	}
	n.saveKey = func() error {
		defer clear(passphrase)
		return keystore.Create(f.rootKey, key, passphrase)
	}
	return key, func() {}, nil
}

// trustDomain is the host of the new intermediates' constraints: that of
// --root-url, or of the first intermediate there is.
func (n *newCA) trustDomain(f *initFlags) (string, error) {
	if n.created || f.rootURL != "" {
		return n.a.c.trustDomain(f.rootURL)
	}
	names, err := n.a.Issuers()
	if err != nil {
		return "", err
	}
	if len(names) < 2 {
		return n.a.c.trustDomain("")
	}
	cert, err := n.a.certificate(names[1])
	if err != nil {
		return "", err
	}
	domain, err := authority.TrustDomainOf(cert)
	return domain, usage(err)
}

// intermediate makes an intermediate's key, if it is to have a new one, and its
// certificate.
func (n *newCA) intermediate(ctx context.Context, f *initFlags, name, domain string, passphrase []byte) (madeIntermediate, error) {
	m := madeIntermediate{name: name}
	var public crypto.PublicKey
	switch {
	case f.csr != "":
		data, err := n.a.c.readFile(f.csr, authority.MaxRequestBytes)
		if err != nil {
			return m, err
		}
		r, err := authority.ParseRequest(data)
		if err != nil {
			return m, usagef("%s: %w", f.csr, err)
		}
		public = r.Public
	case f.key != "":
		key, err := n.a.c.openKey(ctx, f.key, "")
		if err != nil {
			return m, err
		}
		m.key, m.keyFile, m.keyExt = key, []byte(f.key+"\n"), ".uri"
		public = key.Public()
	default:
		key, err := keystore.Kind(f.kind).Generate()
		if err != nil {
			return m, err
		}
		if m.keyFile, err = keystore.Encode(key, passphrase); err != nil {
			return m, err
		}
		m.key, m.keyExt = key, ".key"
		public = key.Public()
	}
	organization := n.root.Certificate().Subject.Organization
	if len(organization) == 0 {
		organization = []string{domain}
	}
	var err error
	m.certificate, err = n.root.Intermediate(authority.Intermediate{
		Name:   authority.Name{Organization: organization[0], CommonName: "Chain of Trust " + name},
		Window: n.intermediateWindow(f), TrustDomain: domain, Public: public, CRLURL: f.crlURL,
		ServerName: f.serverName,
	}, rand.Reader)
	return m, usage(err)
}

// intermediateWindow begins no earlier than the root.
func (n *newCA) intermediateWindow(f *initFlags) authority.Window {
	w := f.life.after(n.a.c.now())
	if from := n.root.Certificate().NotBefore; w.NotBefore.Before(from) {
		w.NotBefore = from
	}
	return w
}

// write puts all on disk: a new root's key first, without which the rest is
// worth nothing, and its index last, which is what makes it a CA. In a CA that
// exists the index is first: what is in it can be revoked, whatever happens next.
func (n *newCA) write(ctx context.Context, f *initFlags) error {
	if n.created {
		if err := n.saveKey(); err != nil {
			return usage(err)
		}
		d, err := castore.Create(f.dir)
		if err != nil && !keystore.IsURI(f.rootKey) {
			err = errors.Join(err, os.Remove(f.rootKey)) // the one just made
		}
		if err != nil {
			return usage(err)
		}
		n.a.Dir = d
	}
	unlock, err := n.a.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if n.created {
		err = n.a.CreateFile(certificatesPEM(n.root.Certificate()), castore.Root+".pem")
	} else {
		n.entries, err = n.a.Index()
	}
	if err != nil {
		return usage(err)
	}
	for _, m := range n.made {
		n.entries = append(n.entries, castore.Entry{
			Serial: m.certificate.SerialNumber, Issuer: castore.Root, Identity: "CA " + m.name,
			NotBefore: m.certificate.NotBefore, NotAfter: m.certificate.NotAfter,
		})
	}
	if !n.created {
		if err := n.a.SetIndex(n.entries); err != nil {
			return err
		}
	}
	for _, m := range n.made {
		if err := n.keep(m); err != nil {
			return err
		}
	}
	if n.created {
		if err := n.a.CreateIndex(n.entries...); err != nil {
			return err
		}
	}
	if _, err := n.a.makeCRL(n.root, castore.Root, n.entries, rootCRLLife); err != nil {
		return err
	}
	return n.report(f)
}

// keep writes an intermediate's files and, with its key at hand, its first CRL.
func (n *newCA) keep(m madeIntermediate) error {
	if m.key != nil {
		if err := n.a.CreateFile(m.keyFile, "keys", m.name+m.keyExt); err != nil {
			return err
		}
	}
	pem := certificatesPEM(m.certificate)
	err := errors.Join(
		n.a.CreateFile(pem, m.name+".pem"),
		n.a.CreateFile(pem, "certs", castore.SerialText(m.certificate.SerialNumber)+".pem"),
	)
	if err != nil {
		return err
	}
	if m.key == nil {
		return nil
	}
	i, err := authority.NewIssuer(m.certificate, m.key)
	if err != nil {
		return err
	}
	_, err = n.a.makeCRL(i, m.name, nil, crlLife)
	return err
}

func (n *newCA) report(f *initFlags) error {
	c := n.a.c
	if n.created {
		c.note("root: %s, until %s; its key: %s", n.a.Path("root.pem"), day8601(n.root.Certificate().NotAfter), keystore.Redact(f.rootKey))
	}
	for _, m := range n.made {
		where := "elsewhere, with who made the request"
		if m.key != nil {
			where = n.a.Path("keys", m.name+m.keyExt)
		}
		c.note("intermediate %s: %s, until %s; its key: %s", m.name, n.a.Path(m.name+".pem"), day8601(m.certificate.NotAfter), where)
	}
	if n.created && !keystore.IsURI(f.rootKey) {
		c.note("take %s off this machine: it is needed for intermediates and for the root's CRL, which is valid until %s",
			f.rootKey, day8601(c.now().Add(rootCRLLife)))
	}
	return nil
}

func day8601(t time.Time) string { return t.UTC().Format(time.DateOnly) }
