package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
)

// workers are the implementations that sign.
var workers = []string{string(graph.DockerWorker), string(graph.GenericWorker), string(graph.Scriptworker)}

// Words of signers.queueTime.
const (
	queueTimeNarrows = "narrows"
	queueTimeTrusted = "trusted"
)

func (b *builder) signers(p *Policy, n *node) {
	f, ok := b.object(n, "signers", "queueTime", "keys", "certificates", "pgp", "require", "unkeyedPools")
	if !ok {
		return
	}
	p.QueueTimeTrusted = f.oneOf("queueTime", queueTimeNarrows, queueTimeNarrows, queueTimeTrusted) == queueTimeTrusted
	p.Keys = b.keys(f, p.ScriptworkerProvisioners)
	p.UnkeyedPools = f.pools("unkeyedPools")
	p.Require = b.require(f)
	if n := f.n.get("certificates"); n != nil {
		p.Certificates = b.certificates(n, f.at("certificates"), p.RootURL)
	}
	if n := f.n.get("pgp"); n != nil {
		p.PGP = b.pgp(n, f.at("pgp"))
	}
	if len(p.Keys) == 0 && len(p.UnkeyedPools) == 0 && f.n.get("keys") == nil && f.n.get("certificates") == nil && f.n.get("pgp") == nil {
		b.say(n, "signers", "no key and no unkeyed pool: nothing could ever be verified", "add signers.keys")
	}
}

func (b *builder) keys(f fields, scriptworkerProvisioners []string) []certs.Key {
	var keys []certs.Key
	for i, n := range f.elements("keys") {
		at := fmt.Sprintf("%s[%d]", f.at("keys"), i)
		kf, ok := b.object(n, at, "workerImplementation", "workerPools", "ed25519", "notBefore", "notAfter")
		if !ok {
			continue
		}
		k := certs.Key{Pools: kf.somePools("workerPools"), NotBefore: kf.time("notBefore"), NotAfter: kf.time("notAfter")}
		if kf.need("workerImplementation") != nil {
			k.Implementation = graph.Implementation(kf.oneOf("workerImplementation", "", workers...))
		}
		if kf.need("ed25519") != nil {
			s := kf.text("ed25519")
			public, err := certs.ParseEd25519(s)
			if err != nil && s != "" {
				b.say(kf.n.get("ed25519"), kf.at("ed25519"), err.Error(), "")
			}
			k.Public = public
		}
		if !k.NotBefore.IsZero() && !k.NotAfter.IsZero() && !k.NotBefore.Before(k.NotAfter) {
			b.say(kf.n.get("notAfter"), kf.at("notAfter"), "is not after notBefore", "")
		}
		if k.Implementation == graph.Scriptworker {
			b.reachable(kf, k.Pools, scriptworkerProvisioners)
		}
		if k.Public != nil && slices.ContainsFunc(keys, func(o certs.Key) bool { return sameKey(o, k) }) {
			b.say(n, at, "this key of "+string(k.Implementation)+" stands twice", "join the workerPools of both")
		}
		keys = append(keys, k)
	}
	return keys
}

// sameKey tells whether two rows are of one key and implementation.
func sameKey(a, b certs.Key) bool {
	return a.Implementation == b.Implementation && a.Public.Equal(b.Public)
}

// reachable refuses a pool of a scriptworker key that no scriptworker has.
func (b *builder) reachable(f fields, pools []graph.PoolPattern, provisioners []string) {
	for _, pool := range pools {
		pattern, _, _ := strings.Cut(pool.String(), "/")
		if !slices.ContainsFunc(provisioners, func(p string) bool { return globMatch(pattern, p) }) {
			b.say(f.n.get("workerPools"), f.at("workerPools"), fmt.Sprintf("no scriptworker runs in %s", pool),
				"add its provisioner to scriptworkerProvisioners")
		}
	}
}

// methods are the words of signers.require.
var methods = []string{"key", "certificate", "cms", "pgp"}

// require reads which methods are demanded where.
func (b *builder) require(f fields) []certs.Requirement {
	var out []certs.Requirement
	for i, n := range f.elements("require") {
		at := fmt.Sprintf("%s[%d]", f.at("require"), i)
		rf, ok := b.object(n, at, "workerPools", "methods")
		if !ok {
			continue
		}
		r := certs.Requirement{Pools: rf.somePools("workerPools")}
		rf.notEmpty("methods")
		for j, m := range rf.elements("methods") {
			mAt := fmt.Sprintf("%s[%d]", rf.at("methods"), j)
			s, ok := b.asText(m, mAt)
			switch {
			case !ok:
			case !slices.Contains(methods, s):
				b.add(m, mAt, strings.Join(methods, " or "), quoted(s), didYouMean(s, methods))
			case s == string(certs.MethodPGP) && f.n.get("pgp") == nil:
				b.say(m, mAt, "no OpenPGP key is trusted: nothing could ever be verified there", "add signers.pgp")
			case (s == string(certs.MethodCertificate) || s == string(certs.MethodCMS)) && f.n.get("certificates") == nil:
				b.say(m, mAt, "no certificate is trusted: nothing could ever be verified there", "add signers.certificates")
			default:
				r.Methods = append(r.Methods, certs.Method(s))
			}
		}
		out = append(out, r)
	}
	return out
}

func (b *builder) implementations(f fields) map[graph.Implementation][]graph.PoolPattern {
	n := f.n.get("implementations")
	if n == nil {
		return nil
	}
	f, ok := b.object(n, f.at("implementations"), workers...)
	if !ok {
		return nil
	}
	out := map[graph.Implementation][]graph.PoolPattern{}
	owner := map[string]string{}
	for _, pr := range n.pairs {
		name := pr.key.value
		if !slices.Contains(workers, name) {
			continue
		}
		pools := f.somePools(name)
		for _, p := range pools {
			if other, twice := owner[p.String()]; twice {
				b.say(pr.value, f.at(name), p.String()+" is "+other+"'s already", "a pool runs one implementation")
			}
			owner[p.String()] = name
		}
		out[graph.Implementation(name)] = pools
	}
	return out
}
