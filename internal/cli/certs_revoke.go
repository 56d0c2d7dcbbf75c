package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/internal/castore"
)

// revokeFlags are those of cot-certs revoke.
type revokeFlags struct {
	caFlags
	reason        string
	since         timeFlag
	change, noCRL bool
	crlLife       lifetimeFlag
}

func (c *certsRun) revokeCommand() *cobra.Command {
	f := &revokeFlags{}
	cmd := c.command("revoke [flags] SERIAL|CERTIFICATE|SPIFFE_ID...", "Revoke certificates", `Revokes certificates by serial number, by file, or by SPIFFE ID: then all that are
neither expired nor revoked. The issuer's next CRL is made at once, so publishing
it is all that is left to do; for an intermediate that takes the root's key.

Reasons: `+strings.Join(authority.ReasonNames(), ", ")+`.
After keyCompromise and the like nothing counts that the key signed, unless a time
stamp proves that it did so before --invalid-since. After superseded, cessationOf-
Operation, affiliationChanged and privilegeWithdrawn, what is time-stamped before
the revocation still counts. A revocation is never taken back.`,
		`  cot-certs revoke --ca ca spiffe://tc.example.org/worker-pool/gecko-3/b-linux \
                   --reason keyCompromise --invalid-since 2026-03-01T00:00:00Z

  cot-certs revoke --ca ca worker.pem --reason superseded

  # an intermediate, on the machine that has the root's key
  cot-certs revoke --ca ca ca/intermediate.pem --reason cACompromise --root-key /media/root.key`,
		-1, func(ctx context.Context, args []string) error { return c.revoke(ctx, f, args) })
	fs := cmd.Flags()
	f.register(fs)
	fs.StringVar(&f.reason, "reason", revocation.Unspecified.String(), "`REASON` as RFC 5280 names it")
	fs.Var(&f.since, "invalid-since", "the key may have been in other hands since `TIME` (RFC 3339)")
	fs.BoolVar(&f.change, "change", false, "change reason and --invalid-since of what is revoked already")
	f.registerRoot(fs)
	fs.BoolVar(&f.noCRL, "no-crl", false, "make no CRL: cot-certs crl will")
	fs.Var(&f.crlLife, "valid-for", "lifetime of the CRL, like 7d (default: 7d, the root's 1y)")
	return cmd
}

func (c *certsRun) revoke(ctx context.Context, f *revokeFlags, targets []string) error {
	if len(targets) == 0 {
		return usagef("say what to revoke: SERIAL, CERTIFICATE or SPIFFE_ID")
	}
	if _, err := authority.ParseReason(f.reason); err != nil {
		return usagef("--reason: %w", err)
	}
	now := c.now().UTC().Truncate(time.Second)
	since := f.since.Time
	if since.After(now) {
		return usagef("--invalid-since %s is in the future", &f.since)
	}
	if f.rootKey != "" {
		if err := outsideCA(f.rootKey, f.dir); err != nil {
			return err
		}
	}
	a, err := c.openCA(f.caFlags)
	if err != nil {
		return err
	}
	unlock, err := a.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := a.Index()
	if err != nil {
		return usage(err)
	}
	var chosen []int
	for _, t := range targets {
		found, err := a.find(entries, t, now)
		if err != nil {
			return err
		}
		chosen = append(chosen, found...)
	}
	var issuers []string
	for _, i := range chosen {
		e := &entries[i]
		if err := f.mark(c, e, now, since); err != nil {
			return err
		}
		if !slices.Contains(issuers, e.Issuer) {
			issuers = append(issuers, e.Issuer)
		}
	}
	return f.write(ctx, a, entries, issuers)
}

// mark revokes one certificate. The date of a revocation never changes.
func (f *revokeFlags) mark(c *certsRun, e *castore.Entry, now, since time.Time) error {
	serial := castore.SerialText(e.Serial)
	switch {
	case !e.IsRevoked():
		e.Revoked = now
		c.note("%s: revoked, %s, serial %s", e.Identity, f.reason, serial)
	case e.Reason == f.reason && e.InvalidSince.Equal(since):
		c.note("%s: was revoked already, serial %s", e.Identity, serial)
		return nil
	case !f.change:
		return usagef("serial %s is revoked already (%s): --change gives it another reason or --invalid-since", serial, e.Reason)
	default:
		c.note("%s: %s instead of %s, serial %s", e.Identity, f.reason, e.Reason, serial)
	}
	e.Reason, e.InvalidSince = f.reason, since
	return nil
}

// write puts the index in place and then the CRLs. The keys are opened before:
// a wrong passphrase must not leave the work half done.
func (f *revokeFlags) write(ctx context.Context, a *ca, entries []castore.Entry, issuers []string) error {
	open := map[string]*authority.Issuer{}
	for _, name := range issuers {
		if f.noCRL {
			break
		}
		i, done, err := a.issuer(ctx, name)
		if errors.Is(err, errNoKey) {
			continue
		}
		if err != nil {
			return err
		}
		defer done()
		open[name] = i
	}
	if err := a.SetIndex(entries); err != nil {
		return err
	}
	for _, name := range issuers {
		i, ok := open[name]
		if !ok {
			how := "cot-certs crl --ca " + f.dir
			if name == castore.Root {
				how += " --root-key FILE"
			}
			a.c.note("nobody knows of it before the CRL of %s is made: %s", name, how)
			continue
		}
		number, err := a.makeCRL(i, name, entries, crlLifeOf(name, f.crlLife))
		if err != nil {
			return fmt.Errorf("the certificates are revoked in the index, but not in the CRL: %w", err)
		}
		a.c.note("CRL %s of %s: publish %s", number, name, a.Path("crl", name+".crl"))
	}
	return nil
}

// find gives the places in the index that a target names.
func (a *ca) find(entries []castore.Entry, target string, now time.Time) ([]int, error) {
	if strings.HasPrefix(target, "spiffe:") {
		id, err := authority.ParseIdentity(target)
		if err != nil {
			return nil, usage(err)
		}
		var found []int
		for i, e := range entries {
			if e.Identity == id.String() && !e.IsRevoked() && !e.NotAfter.Before(now) {
				found = append(found, i)
			}
		}
		if len(found) == 0 {
			return nil, usagef("no live certificate of %s in %s", target, a.flags.dir)
		}
		return found, nil
	}
	n, isSerial := castore.ParseSerial(target)
	if _, err := os.Stat(target); err == nil {
		data, err := a.c.readFile(target, maxFileBytes)
		if err != nil {
			return nil, err
		}
		list, err := parseCertificates(target, data)
		if err != nil {
			return nil, err
		}
		n = list[0].SerialNumber
		kept, err := os.ReadFile(a.Path("certs", castore.SerialText(n)+".pem"))
		if err == nil && string(kept) != string(certificatesPEM(list[0])) {
			return nil, usagef("%s is not a certificate of this CA, though its serial number is", target)
		}
	} else if !isSerial {
		return nil, usagef("%.100q is neither a serial number in hex, nor a SPIFFE ID, nor a file", target)
	}
	i := slices.IndexFunc(entries, func(e castore.Entry) bool { return e.Serial.Cmp(n) == 0 })
	if i < 0 {
		return nil, usagef("%s: no certificate with the serial number %s in %s", target, castore.SerialText(n), a.flags.dir)
	}
	return []int{i}, nil
}
