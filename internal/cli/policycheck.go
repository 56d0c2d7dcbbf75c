package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/policy"
)

// policyCommand is "cot-verify-graph policy".
func policyCommand(s IO) *cobra.Command {
	group := newCommand(s, "policy", "Work on policy files")
	group.RunE = func(*cobra.Command, []string) error { return usagef("want: policy check FILE") }
	check := newCommand(s, "check [flags] FILE", "Validate a policy and say what it trusts")
	check.Long = `Validates a policy file, or the built-in policy of that name, and says what it
trusts, what is relaxed, and what of it can never match.`
	check.Example = `  cot-verify-graph policy check policy.yml
  cot-verify-graph policy check firefox-ci
  cot-verify-graph policy check --format json policy.yml`
	var format string
	check.Flags().StringVar(&format, "format", "text", "`FORMAT`: text or json (valid or exit 2, sha256, keys, relaxed, notes)")
	completeValues(check, "format", reportFormats)
	check.RunE = func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) != 1:
			return usagef("policy check: want one FILE, found %d", len(args))
		case !slices.Contains(reportFormats, format):
			return usagef("--format %q: want text or json", format)
		}
		p, err := namedPolicy(args[0], "", func(string, []byte) {})
		if err != nil {
			return err
		}
		notes := p.Notes(s.now())
		if format == "json" {
			return writePolicyJSON(s.Stdout, p, notes)
		}
		explainPolicy(s.Stdout, p, notes)
		return nil
	}
	group.AddCommand(check)
	return group
}

// writePolicyJSON writes what a program may want to know of a valid policy.
func writePolicyJSON(w io.Writer, p *policy.Policy, notes []string) error {
	type key struct {
		Path           string   `json:"path"`
		ID             string   `json:"id"`
		Implementation string   `json:"workerImplementation"`
		Pools          []string `json:"workerPools"`
	}
	keys := make([]key, len(p.Keys))
	for i, k := range p.Keys {
		keys[i] = key{keyPath(i), string(k.ID()), string(k.Implementation), poolNames(k.Pools)}
	}
	b, err := json.Marshal(struct {
		Name    string   `json:"name"`
		RootURL string   `json:"rootUrl"`
		SHA256  string   `json:"sha256"`
		Keys    []key    `json:"keys"`
		Relaxed []string `json:"relaxed"`
		Notes   []string `json:"notes"`
	}{p.Name, p.RootURL, p.SHA256, keys, append([]string{}, p.Relaxed...), append([]string{}, notes...)}, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = w.Write(append(report.CleanJSON(b), '\n'))
	return err
}

// explainPolicy says in words what a policy trusts.
func explainPolicy(w io.Writer, p *policy.Policy, notes []string) {
	line := func(format string, args ...any) { fmt.Fprintln(w, report.Clean(fmt.Sprintf(format, args...))) }
	line("valid: policy %s (sha256 %s) for %s", p.Name, p.SHA256, p.RootURL)
	for _, r := range p.Relaxed {
		line("relaxed: %s", r)
	}
	for _, n := range notes {
		line("note: %s", n)
	}
	for i, k := range p.Keys {
		line("key: %s of %s signs for %s%s (%s)", k.ID(), k.Implementation, pools(k.Pools), window(k), keyPath(i))
	}
	if c := p.Certificates; c != nil {
		explainCertificates(line, c)
	}
	for _, r := range p.Require {
		line("methods in %s: %s", pools(r.Pools), strings.Join(methodNames(r.Methods), ", "))
	}
	if p.PGP != nil {
		for _, k := range p.PGP.Keys {
			line("OpenPGP key, in archives alone: %s", k.Fingerprint())
		}
	}
	if len(p.UnkeyedPools) > 0 {
		line("no key, only with %s: %s", trace.FlagAcceptUnsignedPools, pools(p.UnkeyedPools))
	}
	for _, pr := range p.Products {
		line("product %s (%s), events: %s", pr.Name, pr.VCS, strings.Join(pr.TasksFor, ", "))
		for _, r := range pr.Repositories {
			line("  trusted repository: %s %s", r.Host, r.Path)
		}
		line("  decision tasks in %s", pools(pr.DecisionPools))
		if len(pr.DockerImagePools) > 0 {
			line("  docker images from %s", pools(pr.DockerImagePools))
		}
		line("  prebuilt images: %s; indexed images: %s", pr.PrebuiltImages, pr.IndexedImages)
		for _, s := range pr.RestrictedScopes {
			line("  %s only from %s", s.Scope, strings.Join(pr.Trees[s.Tree], ", "))
		}
	}
}

// keyPath is where the effective policy has a key, in its order.
func keyPath(i int) string { return fmt.Sprintf("signers.keys[%d]", i) }

func pools(list []graph.PoolPattern) string { return strings.Join(poolNames(list), ", ") }

func poolNames(list []graph.PoolPattern) []string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.String()
	}
	return names
}

func window(k certs.Key) string {
	var out string
	if !k.NotBefore.IsZero() {
		out += ", from " + k.NotBefore.UTC().Format(time.RFC3339)
	}
	if !k.NotAfter.IsZero() {
		out += ", until " + k.NotAfter.UTC().Format(time.RFC3339)
	}
	return out
}

func methodNames(list []certs.Method) []string {
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = string(m)
	}
	return names
}

// explainCertificates says which CAs a policy trusts, and what it asks of
// revocation.
func explainCertificates(line func(string, ...any), c *certs.Certificates) {
	anchor := func(what string, a certs.Anchor) {
		where := "every pool"
		if len(a.Pools) > 0 {
			where = pools(a.Pools)
		}
		line("%s: %s, key %s, until %s, vouches for %s", what, a.Certificate.Subject, certs.CertificateKeyID(a.Certificate),
			a.Certificate.NotAfter.UTC().Format(time.RFC3339), where)
	}
	for _, a := range c.Roots {
		anchor("root", a)
	}
	for _, a := range c.Issuers {
		anchor("intermediate", a)
	}
	line("identities: spiffe://%s/worker-pool/PROVISIONER/TYPE, and that with /worker/GROUP/ID", c.TrustDomain)
	for _, id := range c.Identities {
		line("identity: %s signs for %s", id.SPIFFEID, pools(id.Pools))
	}
	if len(c.WorkerIdentityRequired) > 0 {
		line("identities of the very worker alone in %s", pools(c.WorkerIdentityRequired))
	}
	line("revocation: %s, by %d CRLs of the policy and %d fetched", c.Revocation, len(c.CRLs), len(c.CRLURLs))
	if c.Timestamps != nil {
		for _, root := range c.Timestamps.Roots {
			line("time stamps below: %s, key %s", root.Subject, certs.CertificateKeyID(root))
		}
	}
}
