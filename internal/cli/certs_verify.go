package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/internal/report"
)

// certsVerifyFlags are those of cot-certs verify.
type certsVerifyFlags struct {
	roots, untrusted, crls []string
	at                     timeFlag
	eku, format            string
	requireCRL             bool
}

func (c *certsRun) verifyCommand() *cobra.Command {
	f := &certsVerifyFlags{}
	cmd := c.command("verify [flags] LEAF", "Verify a certificate", `Verifies a certificate's path to a root (RFC 5280 §6.1) and that no certificate of
it is revoked (§6.3), for any certificates, not only ours. Files are PEM or DER and
may hold several; what follows the first certificate of LEAF is untrusted.

--at is both the signing and the verification time: CRLs must be fresh at it.
Without a CRL that counts, a certificate below the root is not verified, unless
--require-crl=false; one that is listed as revoked never is. Untrusted certificates
and CRLs that are malformed are passed over, as if they were not there; with
--require-crl=false such a CRL makes the certificate untrusted.

Exit codes:
  0    verified
  1    untrusted: also where LEAF is malformed
  2    usage error: flags, a file that can't be read, a root that is none`,
		`  cot-certs verify --root root.pem --untrusted intermediate.pem \
                   --crl root.crl --crl intermediate.crl --eku codeSigning worker.pem

  cot-certs verify --root root.pem --require-crl=false --format json worker.pem`,
		1, func(ctx context.Context, args []string) error { return c.verify(ctx, f, args[0]) })
	fs := cmd.Flags()
	fs.StringArrayVar(&f.roots, "root", nil, "trust the certificates in `FILE`, repeatable")
	fs.StringArrayVar(&f.untrusted, "untrusted", nil, "build paths with the certificates in `FILE`, repeatable")
	fs.StringArrayVar(&f.crls, "crl", nil, "revocation lists in `FILE`, repeatable")
	fs.Var(&f.at, "at", "judge as of `TIME` (RFC 3339; default: now)")
	fs.BoolVar(&f.requireCRL, "require-crl", true, "a certificate needs a CRL that counts")
	fs.StringVar(&f.eku, "eku", "any", "`PURPOSE` of the certificate: any or codeSigning")
	fs.StringVar(&f.format, "format", "text", "`FORMAT` of the verdict: text or json")
	return cmd
}

// refusal is why a certificate is untrusted.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func refusef(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

func (c *certsRun) verify(ctx context.Context, f *certsVerifyFlags, leaf string) error {
	judge, err := c.judge(f)
	if err != nil {
		return err
	}
	verdict, reason := "verified", ""
	path, err := judge.certificate(ctx, c, f, leaf)
	var no *refusal
	switch {
	case errors.As(err, &no):
		verdict, reason, c.code = "untrusted", no.reason, exitUntrusted
	case err != nil:
		return err
	default:
		reason = path
	}
	if f.format == "json" {
		out, err := json.Marshal(struct {
			Verdict string `json:"verdict"`
			Reason  string `json:"reason"`
		}{verdict, reason}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, "%s\n", report.CleanJSON(out))
		return err
	}
	say(c.Stdout, leaf, verdict+": "+reason)
	return nil
}

// judge is what a certificate is held to.
type judge struct {
	roots []*x509.Certificate
	usage pkix.Usage
	at    time.Time
}

// judge reads what the caller answers for: flags and roots.
func (c *certsRun) judge(f *certsVerifyFlags) (*judge, error) {
	j := &judge{at: c.now().UTC()}
	switch f.eku {
	case "any":
		j.usage = pkix.AnyUsage
	case "codeSigning":
		j.usage = pkix.CodeSigning
	default:
		return nil, usagef("--eku %q: want any or codeSigning", f.eku)
	}
	if f.format != "text" && f.format != "json" {
		return nil, usagef("--format %q: want text or json", f.format)
	}
	if !f.at.IsZero() {
		j.at = f.at.Time
	}
	if len(f.roots) == 0 {
		return nil, usagef("name the roots to trust: --root FILE")
	}
	for _, name := range f.roots {
		data, err := c.readFile(name, maxFileBytes)
		if err != nil {
			return nil, err
		}
		list, err := parseCertificates(name, data)
		if err != nil {
			return nil, err
		}
		j.roots = append(j.roots, list...)
	}
	return j, nil
}

// certificate judges the leaf. The text it gives describes the path that holds.
func (j *judge) certificate(ctx context.Context, c *certsRun, f *certsVerifyFlags, leaf string) (string, error) {
	first, untrusted, err := c.leaf(leaf)
	if err != nil {
		return "", err
	}
	for _, name := range f.untrusted {
		data, err := c.readFile(name, maxFileBytes)
		if err != nil {
			return "", err
		}
		list, bad := hostileCertificates(data)
		if bad != nil {
			c.note("%s: passed over: %v", name, bad)
		}
		untrusted = append(untrusted, list...)
	}
	crls, err := c.crls(f)
	if err != nil {
		return "", err
	}
	pool := pkix.NewPool(j.roots, untrusted)
	paths, err := pool.Paths(first, j.usage)
	if err != nil {
		return "", refusef("%v", err)
	}
	checker, err := revocation.NewChecker(revocation.Config{CRLs: crls, Pool: pool, Now: j.at})
	if err != nil {
		return "", err
	}
	var why error
	for _, p := range paths {
		err := j.path(ctx, checker, p, f.requireCRL)
		if err == nil {
			return describePath(p), nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if why == nil {
			why = err
		}
	}
	return "", why
}

// path judges one path: its time, then every certificate below the root. That
// the verifier's time is the signing time makes every listed revocation count.
func (j *judge) path(ctx context.Context, checker *revocation.Checker, p pkix.Path, required bool) error {
	if err := p.ValidAt(j.at); err != nil {
		return refusef("%v", err)
	}
	list := p.Certificates()
	for i, cert := range list[:len(list)-1] {
		answer := checker.Check(ctx, p, i)
		switch {
		case answer.Status == revocation.Revoked:
			return refusef("certificate %s is revoked: %s", pkix.Describe(cert), revocations(answer.Revocations))
		case answer.Status == revocation.Good:
		case required:
			return refusef("certificate %s may be revoked: %s", pkix.Describe(cert), answer.Why)
		}
	}
	return nil
}

func revocations(list []revocation.Revocation) string {
	var out []string
	for _, r := range list {
		s := fmt.Sprintf("%s since %s", r.Reason, r.RevokedAt.UTC().Format(time.RFC3339))
		if r.InvalidityDate != nil {
			s += ", key lost " + r.InvalidityDate.UTC().Format(time.RFC3339)
		}
		out = append(out, s+" ("+r.Source+")")
	}
	return strings.Join(out, "; ")
}

func describePath(p pkix.Path) string {
	var names []string
	for _, cert := range p.Certificates() {
		names = append(names, pkix.Describe(cert))
	}
	return strings.Join(names, " < ")
}
