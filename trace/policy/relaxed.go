package policy

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

// relaxed lists what is weaker than the default, and where there is a base,
// what is weaker than the base. In doubt a difference is listed.
func relaxed(p, base *Policy) []string {
	r := &relaxation{}
	r.absolute(p, base)
	if base != nil {
		r.deployment(p, base)
		r.keys(p, base)
		r.products(p, base)
	}
	slices.Sort(r.list)
	return slices.Compact(r.list)
}

type relaxation struct{ remarks }

// added lists each element that is beyond the base's.
func (r *relaxation) added(path, what string, more []string) {
	for _, m := range more {
		r.add(path, "%s %s", what, m)
	}
}

// absolute holds a policy against the defaults. Where there is a base, what the
// base has too is the base's choice.
func (r *relaxation) absolute(p, base *Policy) {
	if p.QueueTimeTrusted && (base == nil || !base.QueueTimeTrusted) {
		r.add("signers.queueTime", "keys are judged at the time that the queue says alone")
	}
	for i, k := range p.Keys {
		if slices.ContainsFunc(k.Pools, anyPool) {
			r.add(fmt.Sprintf("signers.keys[%d].workerPools", i), "key %s signs for every pool", k.ID())
		}
	}
	r.certificates(p)
	if slices.ContainsFunc(p.UnkeyedPools, anyPool) {
		r.add("signers.unkeyedPools", "every pool without a key is unkeyed")
	}
	limits := DefaultLimits()
	if base != nil {
		limits = base.Limits
	}
	raised := func(key string, have, want int64) {
		if have > want {
			r.add("limits."+key, "%d, raised from %d", have, want)
		}
	}
	raised("maxChainLength", int64(p.Limits.MaxChainLength), int64(limits.MaxChainLength))
	raised("maxCotBytes", p.Limits.MaxCotBytes, limits.MaxCotBytes)
	raised("maxTaskGraphBytes", p.Limits.MaxTaskGraphBytes, limits.MaxTaskGraphBytes)
	for _, pr := range p.Products {
		for i, rp := range pr.Repositories {
			if matchesAnything(rp) {
				r.add(fmt.Sprintf("products.%s.repositories[%d].path", pr.Name, i), "trusts every repository on %s", rp.Host)
			}
		}
	}
}

// certificates lists what is weaker than the default for certificates.
func (r *relaxation) certificates(p *Policy) {
	c := p.Certificates
	if c == nil {
		return
	}
	switch c.Revocation {
	case certs.RevocationWhenAvailable:
		r.add("signers.certificates.revocation", "a certificate counts although nobody says that it is not revoked")
	case certs.RevocationOff:
		r.add("signers.certificates.revocation", "nobody is asked whether a certificate is revoked")
	}
	if c.CRLGrace > 0 {
		r.add("signers.certificates.crlGrace", "CRLs count %s past their time", c.CRLGrace)
	}
	if c.CRLKeepsExpired {
		r.add("signers.certificates.crlKeepsExpired", "CRLs are taken to keep expired certificates, whether or not they say so")
	}
	for i, id := range c.Identities {
		if slices.ContainsFunc(id.Pools, anyPool) {
			r.add(fmt.Sprintf("signers.certificates.identities[%d].workerPools", i), "%s signs for every pool", id.SPIFFEID)
		}
	}
	for i, q := range p.Require {
		if slices.Contains(q.Methods, certs.MethodKey) {
			r.add(fmt.Sprintf("signers.require[%d].methods", i), "a pinned key is accepted though certificates are configured")
		}
		if slices.Contains(q.Methods, certs.MethodPGP) {
			r.add(fmt.Sprintf("signers.require[%d].methods", i), "in archives an OpenPGP key is accepted though certificates are configured")
		}
	}
}

// matchesAnything tries paths that no pattern with a name in it matches.
func matchesAnything(p RepositoryPattern) bool {
	for _, path := range []string{"/~-~", "/~-~/+-+"} {
		probe, err := tree.ParseRepository("https://" + p.Host + path)
		if err == nil && p.Match(probe) {
			return true
		}
	}
	return false
}

func (r *relaxation) deployment(p, base *Policy) {
	if p.RootURL != base.RootURL {
		r.add("rootUrl", "%s, while %s is for %s", p.RootURL, base.Name, base.RootURL)
	}
	r.added("scriptworkerProvisioners", "scriptworkers also run in", missing(p.ScriptworkerProvisioners, base.ScriptworkerProvisioners))
	r.added("scriptworkerProvisioners", "no longer scriptworkers'", missing(base.ScriptworkerProvisioners, p.ScriptworkerProvisioners))
	for impl, pools := range base.Implementations {
		r.added("implementations."+string(impl), "no longer demanded in", beyond(pools, p.Implementations[impl]))
	}
	for _, host := range slices.Sorted(maps.Keys(p.VCSHosts)) {
		switch have, was := base.VCSHosts[host]; {
		case !was:
			r.add("vcsHosts."+host, "trees may be read from there")
		case have != p.VCSHosts[host]:
			r.add("vcsHosts."+host, "trees are read in another way")
		}
	}
	if p.Projects.URL != base.Projects.URL || !bytes.Equal(p.Projects.Data, base.Projects.Data) {
		r.add("projects", "branches and levels come from another list")
	}
}

func (r *relaxation) keys(p, base *Policy) {
	for i, k := range p.Keys {
		at := fmt.Sprintf("signers.keys[%d]", i)
		j := slices.IndexFunc(base.Keys, func(o certs.Key) bool { return sameKey(o, k) })
		if j < 0 {
			r.add(at, "accepts key %s of %s", k.ID(), k.Implementation)
			continue
		}
		r.added(at+".workerPools", fmt.Sprintf("key %s of %s also signs for", k.ID(), k.Implementation), beyond(k.Pools, base.Keys[j].Pools))
		if earlier(k.NotBefore, base.Keys[j].NotBefore) {
			r.add(at+".notBefore", "key %s of %s is accepted earlier", k.ID(), k.Implementation)
		}
		if later(k.NotAfter, base.Keys[j].NotAfter) {
			r.add(at+".notAfter", "key %s of %s is accepted longer", k.ID(), k.Implementation)
		}
	}
	if p.Certificates != nil && base.Certificates == nil {
		r.signersByCertificate(p.Certificates)
	}
	r.added("signers.pgp.keyring", "in archives accepts OpenPGP key", missing(fingerprints(p), fingerprints(base)))
	r.added("signers.unkeyedPools", "workers need no key in", beyond(p.UnkeyedPools, base.UnkeyedPools))
	// A pool that loses its key falls to the unkeyed pools that overlap it.
	var keyed []graph.PoolPattern
	for _, k := range p.Keys {
		keyed = append(keyed, k.Pools...)
	}
	for _, k := range base.Keys {
		for _, pool := range k.Pools {
			if !coveredBy(pool, keyed) && slices.ContainsFunc(p.UnkeyedPools, func(u graph.PoolPattern) bool { return overlap(u, pool) }) {
				r.add("signers.unkeyedPools", "workers no longer need a key in %s", pool)
			}
		}
	}
}

// signersByCertificate lists who may sign, and who may say when, where the base
// has no certificates.
func (r *relaxation) signersByCertificate(c *certs.Certificates) {
	const at = "signers.certificates."
	for i, root := range c.Roots {
		r.add(fmt.Sprintf(at+"roots[%d]", i), "certificates below key %s may sign", certs.CertificateKeyID(root.Certificate))
	}
	for i, id := range c.Identities {
		r.added(fmt.Sprintf(at+"identities[%d].workerPools", i), id.SPIFFEID+" signs for", beyond(id.Pools, nil))
	}
	if c.Timestamps == nil {
		return
	}
	for i, root := range c.Timestamps.Roots {
		r.add(fmt.Sprintf(at+"timestamps.roots[%d]", i), "time stamps below key %s prove when a key or certificate signed", certs.CertificateKeyID(root))
	}
}

// earlier and later tell whether a bound is wider than the base's; zero is open.
func earlier(t, base time.Time) bool { return !base.IsZero() && t.Before(base) }
func later(t, base time.Time) bool   { return !base.IsZero() && (t.IsZero() || t.After(base)) }

func (r *relaxation) products(p, base *Policy) {
	for _, pr := range p.Products {
		b, ok := base.Product(pr.Name)
		if !ok {
			r.add("products."+pr.Name, "is trusted besides those of %s", base.Name)
			continue
		}
		r.product(pr, b)
	}
}

func (r *relaxation) product(pr, base *Product) {
	at := func(key string) string { return "products." + pr.Name + "." + key }
	changed := func(key, have, was string) {
		if have != was {
			r.add(at(key), "%s instead of %s", quoted(have), quoted(was))
		}
	}
	changed("vcs", pr.VCS, base.VCS)
	changed("envPrefix", pr.EnvPrefix, base.EnvPrefix)
	changed("owner", pr.Owner, base.Owner)
	r.added(at("tasksFor"), "also for", missing(pr.TasksFor, base.TasksFor))
	for _, rp := range pr.Repositories {
		if !slices.ContainsFunc(base.Repositories, func(o RepositoryPattern) bool { return within(rp, o) }) {
			r.add(at("repositories"), "trusts https://%s with path %s%s", rp.Host, rp.Path, rp.qualities())
		}
	}
	r.added(at("decisionPools"), "decision tasks also run in", beyond(pr.DecisionPools, base.DecisionPools))
	r.added(at("dockerImagePools"), "docker images are also built in", beyond(pr.DockerImagePools, base.DockerImagePools))
	r.images(at("prebuiltImages"), pr.PrebuiltImages, base.PrebuiltImages)
	r.images(at("indexedImages"), pr.IndexedImages, base.IndexedImages)
	r.scopes(pr, base)
	r.added(at("inputsFrom"), "takes inputs from", missing(pr.InputsFrom, base.InputsFrom))
	if base.RequirePinned && !pr.RequirePinned {
		r.add(at("requirePinned"), "inputs need not be pinned")
	}
	if base.UnsignedTasks == UnsignedRefuse && pr.UnsignedTasks != UnsignedRefuse {
		r.add(at("unsignedTasks"), "unsigned tasks are allowed")
	}
}

func (r *relaxation) images(path string, have, was ImageRule) {
	switch {
	case was.any:
	case have.any:
		r.add(path, "any instead of %s", was)
	default:
		r.added(path, "also allowed for", missing(have.kinds, was.kinds))
	}
}

// scopes compares what each scope of the base needs, not how it is written.
func (r *relaxation) scopes(pr, base *Product) {
	for _, was := range base.RestrictedScopes {
		path := "products." + pr.Name + ".restrictedScopes." + was.Scope
		i := slices.IndexFunc(pr.RestrictedScopes, func(s RestrictedScope) bool { return s.Scope == was.Scope })
		if i < 0 {
			r.add(path, "is no longer restricted")
			continue
		}
		r.added(path, "also allowed from", missing(pr.Trees[pr.RestrictedScopes[i].Tree], base.Trees[was.Tree]))
	}
}

// within tells whether p trusts nothing that base does not.
func within(p, base RepositoryPattern) bool {
	if p.Host != base.Host || p.Path != base.Path || p.Level != base.Level || p.Project != base.Project {
		return false
	}
	if len(base.Branches) == 0 {
		return len(p.Branches) == 0
	}
	return len(p.Branches) > 0 && len(missing(p.Branches, base.Branches)) == 0
}

func (p RepositoryPattern) qualities() string {
	s := ""
	if p.Level != "" {
		s += ", level " + p.Level
	}
	if p.Project != "" {
		s += ", project " + p.Project
	}
	if len(p.Branches) > 0 {
		s += ", branches " + strings.Join(p.Branches, " ")
	}
	return s
}

// missing gives the elements that the others lack.
func missing(list, others []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(others, s) {
			out = append(out, s)
		}
	}
	return out
}
