package transport

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

type (
	proxyFunc = func(*http.Request) (*url.URL, error)
	dialFunc  = func(ctx context.Context, network, addr string) (net.Conn, error)
)

// dialer connects to hosts that the caller named, and to hosts that a server
// named; the latter must not resolve to an address of this machine or link.
type dialer struct {
	open, guarded net.Dialer
	proxies       sync.Map // host:port of the environment's proxies
}

func newDialer(cfg Config) *dialer {
	base := net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: 30 * time.Second}
	d := &dialer{open: base, guarded: base}
	d.guarded.Control = func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dial address %q: %w", address, err)
		}
		if why := localAddress(ap.Addr(), cfg.AllowLoopback); why != "" {
			return &refusal{graph.BadRedirect, "a server named a host that resolves to " + why}
		}
		return nil
	}
	return d
}

// proxy is the environment's choice, remembered: a proxy may be local, and is
// what is dialled in place of the host.
func (d *dialer) proxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil { // its text holds the address, which may hold a password
		return nil, &refusal{graph.Refused, "the environment's proxy address is not a URL"}
	}
	if u != nil {
		d.proxies.Store(hostPort(u), true)
	}
	return u, nil
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.open.DialContext(ctx, network, addr)
}

func (d *dialer) dialGuarded(ctx context.Context, network, addr string) (net.Conn, error) {
	if _, ok := d.proxies.Load(addr); ok {
		return d.open.DialContext(ctx, network, addr)
	}
	return d.guarded.DialContext(ctx, network, addr)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

var (
	nat64       = netip.MustParsePrefix("64:ff9b::/96")
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	// metadata are the clouds' addresses for a machine itself that are not
	// link-local: AWS, Google Cloud, Azure, Alibaba.
	metadata = map[netip.Addr]bool{
		netip.MustParseAddr("fd00:ec2::254"):   true,
		netip.MustParseAddr("fd20:ce::254"):    true,
		netip.MustParseAddr("168.63.129.16"):   true,
		netip.MustParseAddr("100.100.100.200"): true,
	}
)

// localAddress names what makes an address one that no server may point to, ""
// if nothing does.
func localAddress(a netip.Addr, loopbackAllowed bool) string {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case a.IsLoopback() && loopbackAllowed:
		return ""
	case a.IsLoopback():
		return "the loopback address " + a.String()
	case a.IsUnspecified() || thisNetwork.Contains(a):
		return "the unspecified address " + a.String()
	case a.IsLinkLocalUnicast() || a.IsMulticast():
		return "the link-local address " + a.String()
	case metadata[a]:
		return "the metadata address " + a.String()
	}
	return ""
}

// localHost is localAddress for a host as it stands in a URL; a name other than
// localhost is judged when it is dialled.
func localHost(host string, loopbackAllowed bool) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return localAddress(a, loopbackAllowed)
	}
	if isLocalhost(host) && !loopbackAllowed {
		return "this machine (" + clip(host) + ")"
	}
	return ""
}

func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// OnLoopback tells whether a URL's host is localhost or a loopback address.
func OnLoopback(u *url.URL) bool {
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return a.Unmap().IsLoopback()
	}
	return isLocalhost(u.Hostname())
}
