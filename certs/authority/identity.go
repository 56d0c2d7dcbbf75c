package authority

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"github.com/mozilla-releng/cot/graph"
)

// Identity is the SPIFFE ID that a worker's certificate is issued to. The zero
// value is nobody's.
type Identity struct{ id spiffeid.ID }

// ParseIdentity reads any SPIFFE ID that names more than a trust domain.
func ParseIdentity(s string) (Identity, error) {
	id, err := spiffeid.FromString(s)
	switch {
	case err != nil:
		return Identity{}, fmt.Errorf("%.300q is not a SPIFFE ID: %w", s, err)
	case id.Path() == "":
		return Identity{}, fmt.Errorf("%.300q names a whole trust domain: want a path after it", s)
	case len(s) > maxIdentity:
		return Identity{}, fmt.Errorf("a SPIFFE ID of %d bytes: want at most %d", len(s), maxIdentity)
	}
	return Identity{id}, nil
}

// maxIdentity is the SPIFFE ID standard's own bound (§2.3).
const maxIdentity = 2048

// PoolIdentity is the identity of a whole worker pool.
func PoolIdentity(trustDomain string, pool graph.WorkerPool) (Identity, error) {
	return ParseIdentity("spiffe://" + trustDomain + "/worker-pool/" + pool.String())
}

var workerPart = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// WorkerIdentity is the identity of one worker of a pool, worker being
// "workerGroup/workerId".
func WorkerIdentity(trustDomain string, pool graph.WorkerPool, worker string) (Identity, error) {
	group, id, ok := strings.Cut(worker, "/")
	if !ok || !workerPart.MatchString(group) || !workerPart.MatchString(id) {
		return Identity{}, fmt.Errorf("%.300q is not a worker: want workerGroup/workerId", worker)
	}
	return ParseIdentity("spiffe://" + trustDomain + "/worker-pool/" + pool.String() + "/worker/" + group + "/" + id)
}

func (i Identity) String() string { return i.id.String() }

// IsZero tells whether i is nobody's.
func (i Identity) IsZero() bool { return i.id.IsZero() }

// TrustDomain is the host that the identity belongs to.
func (i Identity) TrustDomain() string { return i.id.TrustDomain().Name() }

// commonName is what tools show of a certificate: the path, if it is short
// enough for the attribute (RFC 5280 appendix A, ub-common-name).
func (i Identity) commonName() string {
	name := strings.TrimPrefix(strings.TrimPrefix(i.id.Path(), "/"), "worker-pool/")
	if len(name) > maxNamePart {
		return ""
	}
	return name
}

const maxNamePart = 64

// TrustDomain is the host of a deployment's root URL. It must do as a name
// constraint: a host name, no address (RFC 5280 §4.2.1.10), in lower case. An
// address on loopback, where tests run, does without.
func TrustDomain(rootURL string) (string, error) {
	u, err := url.Parse(rootURL)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("root URL %.300q: want https://HOST", rootURL)
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil && !unconstrained(host) {
		return "", fmt.Errorf("root URL %.300q: an address can't be a trust domain, want a host name", rootURL)
	}
	// SPIFFE's alphabet has IPv4 addresses, but not IPv6's.
	td, err := spiffeid.TrustDomainFromString(host)
	if err != nil || td.Name() != host {
		return "", fmt.Errorf("root URL %.300q: its host can't be a trust domain: want lower-case letters, digits, dots and hyphens", rootURL)
	}
	return host, nil
}

// unconstrained tells whether a trust domain is a loopback address: no name
// constraint can name it, and no other deployment can have it.
func unconstrained(domain string) bool {
	addr, err := netip.ParseAddr(domain)
	return err == nil && addr.IsLoopback()
}
