package transport

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
	}
}

func TestRedirectIsFollowedOnlyWhenAsked(t *testing.T) {
	target := serve(t, text("there"))
	s := serve(t, redirect(target.URL))
	c := client(t, quick())
	doc, err := c.Read(t.Context(), Request{What: "thing", URL: s.URL, Follow: true}, 100)
	if err != nil || string(doc.Body) != "there" {
		t.Errorf("followed: %v, %v", doc, err)
	}
	doc, err = c.Read(t.Context(), Request{What: "thing", URL: s.URL}, 100)
	if err != nil || doc.Status != 303 || doc.Header.Get("Location") != target.URL {
		t.Errorf("not followed: %v, %v", doc, err)
	}
	_, err = c.Read(t.Context(), Request{What: "thing", Method: "POST", URL: s.URL, Follow: true, Body: []byte("x")}, 100)
	wantReason(t, err, graph.BadRedirect, "POST")
}

func TestRedirectBounds(t *testing.T) {
	chain := serve(t, func(w http.ResponseWriter, r *http.Request) { // /xxx has as many more to go
		if r.URL.Path == "/" {
			_, _ = w.Write([]byte("there"))
			return
		}
		http.Redirect(w, r, strings.TrimSuffix(r.URL.Path, "x"), http.StatusFound)
	})
	circle := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, map[string]string{"/": "/b", "/b": "/c", "/c": "/b"}[r.URL.Path], http.StatusFound)
	})
	c := client(t, quick())
	if doc, err := read(t, c, chain.URL+"/"+strings.Repeat("x", MaxRedirects)); err != nil || string(doc.Body) != "there" {
		t.Errorf("%d redirects: %v, %v", MaxRedirects, doc, err)
	}
	_, err := read(t, c, chain.URL+"/"+strings.Repeat("x", MaxRedirects+1))
	wantReason(t, err, graph.BadRedirect, "more than 10")
	_, err = read(t, c, circle.URL+"/")
	wantReason(t, err, graph.BadRedirect, "circle")
}

func TestRedirectTarget(t *testing.T) {
	var hits atomic.Int64
	plain := serve(t, flaky(&hits, text("there")))
	tests := map[string]struct {
		to       string
		loopback bool
		reason   graph.Reason
	}{
		"https to http on loopback, loopback allowed": {plain.URL, true, ""},
		"https to http on loopback":                   {plain.URL, false, graph.BadRedirect},
		"https to http":                               {"http://example.org/?sig=secret", true, graph.BadRedirect},
		"file":                                        {"file:///etc/passwd", true, graph.BadRedirect},
		"ftp":                                         {"ftp://example.org/", true, graph.BadRedirect},
		"user information":                            {"https://user:secret@example.org/", true, graph.BadRedirect},
		"metadata service":                            {"https://169.254.169.254/latest/meta-data", true, graph.BadRedirect},
		"link-local IPv6":                             {"https://[fe80::1]/", true, graph.BadRedirect},
		"loopback address":                            {"https://127.0.0.2/", false, graph.BadRedirect},
		"loopback IPv6":                               {"https://[::1]/", false, graph.BadRedirect},
		"mapped loopback":                             {"https://[::ffff:127.0.0.1]/", false, graph.BadRedirect},
		"unspecified":                                 {"https://0.0.0.0/", true, graph.BadRedirect},
		"localhost":                                   {"https://LOCALHOST./", false, graph.BadRedirect},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			hits.Store(0)
			s := httptest.NewTLSServer(redirect(tt.to))
			defer s.Close()
			cfg := quick()
			cfg.AllowLoopback = tt.loopback
			cfg.RootCAs = x509.NewCertPool()
			cfg.RootCAs.AddCert(s.Certificate())
			_, err := read(t, client(t, cfg), s.URL)
			if tt.reason == "" {
				if err != nil || hits.Load() != 1 {
					t.Errorf("error %v, %d requests", err, hits.Load())
				}
				return
			}
			wantReason(t, err, tt.reason)
			if hits.Load() != 0 {
				t.Error("the target was asked")
			}
			// An answer that names the URL is judged the same.
			_, err = client(t, cfg).Do(t.Context(), Request{What: "thing", URL: tt.to, From: s.URL})
			wantReason(t, err, tt.reason)
		})
	}
}

// A name says nothing about its address until it is dialled.
func TestNameThatResolvesToLoopbackIsRefusedWhenDialled(t *testing.T) {
	var hits atomic.Int64
	s := serve(t, flaky(&hits, text("inside")))
	addr := strings.TrimPrefix(s.URL, "http://")
	for _, allowed := range []bool{true, false} {
		d := newDialer(Config{AllowLoopback: allowed})
		conn, err := d.dialGuarded(t.Context(), "tcp", addr)
		if (err == nil) != allowed {
			t.Errorf("loopback allowed: %v, error: %v", allowed, err)
		}
		if conn != nil {
			_ = conn.Close()
		}
	}
	d := newDialer(Config{})
	d.proxies.Store(addr, true) // the environment's proxy is the caller's choice
	conn, err := d.dialGuarded(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// The caller's own URLs may be anywhere; a connection made for them carries
// nothing that a server asked for.
func TestLoopbackProxyOfTheCallerIsNoDoorForServers(t *testing.T) {
	var hits atomic.Int64
	own := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if r.URL.Path == "/away" {
			redirect("/admin")(w, r)
		}
	})
	cfg := quick()
	cfg.AllowLoopback = false
	c := client(t, cfg)
	if _, err := read(t, c, own.URL+"/"); err != nil {
		t.Fatal(err)
	}
	_, err := read(t, c, own.URL+"/away")
	wantReason(t, err, graph.BadRedirect)
	if hits.Load() != 2 {
		t.Errorf("%d requests, want 2", hits.Load())
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	var got http.Header
	record := func(w http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }
	second := serve(t, record)
	var back string
	relay := serve(t, func(w http.ResponseWriter, r *http.Request) { redirect(back)(w, r) })
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			redirect("/record")(w, r)
		case "/record":
			record(w, r)
		case "/port": // another port is another server
			redirect(second.URL)(w, r)
		case "/name":
			redirect(strings.Replace(second.URL, "127.0.0.1", "localhost", 1))(w, r)
		case "/relay":
			redirect(relay.URL)(w, r)
		}
	})
	back = first.URL + "/record"
	for path, keeps := range map[string]bool{"/same": true, "/port": false, "/name": false, "/relay": false} {
		got = nil
		h := http.Header{
			"Authorization": {"secret"}, "Cookie": {"a=secret"}, "Proxy-Authorization": {"secret"}, "X-Ticket": {"secret"},
			"Range": {"bytes=1-"}, "If-Range": {`"tag"`},
		}
		_, err := client(t, quick()).Read(t.Context(), Request{What: "thing", URL: first.URL + path + "?sig=secret", Header: h, Follow: true}, 100)
		if err != nil || got == nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Ticket"} {
			if has := got.Get(name) != ""; has != keeps {
				t.Errorf("%s: %s arrived: %v, want %v", path, name, has, keeps)
			}
		}
		if got.Get("Referer") != "" {
			t.Errorf("%s: the URL that led there was told: %s", path, got.Get("Referer"))
		}
		if got.Get("Range") == "" || got.Get("If-Range") == "" || got.Get("Accept-Encoding") != "gzip" {
			t.Errorf("%s: headers of the request are lost: %v", path, got)
		}
	}
}

func TestLocalAddress(t *testing.T) {
	for s, local := range map[string]bool{
		"127.0.0.1": true, "127.255.1.2": true, "::1": true, "::ffff:127.0.0.1": true, "64:ff9b::7f00:1": true,
		"0.0.0.0": true, "0.1.2.3": true, "::": true, "169.254.169.254": true, "64:ff9b::a9fe:a9fe": true,
		"fe80::1": true, "fe80::1%eth0": true, "fd00:ec2::254": true, "fd20:ce::254": true, "168.63.129.16": true, "100.100.100.200": true, "fd20:ce::253": false, "224.0.0.1": true,
		"10.0.0.1": false, "192.168.1.1": false, "8.8.8.8": false, "2001:db8::1": false, "fd00::1": false,
	} {
		if got := localAddress(netip.MustParseAddr(s), false); (got != "") != local {
			t.Errorf("%s: %q, want local: %v", s, got, local)
		}
	}
	if localAddress(netip.MustParseAddr("127.0.0.1"), true) != "" || localAddress(netip.MustParseAddr("169.254.1.1"), true) == "" {
		t.Error("allowing loopback allows loopback, nothing else")
	}
}

func TestURLWithUserInformationIsNotAsked(t *testing.T) {
	_, err := read(t, client(t, quick()), "https://user:secret@example.org/")
	wantReason(t, err, graph.Refused)
	_, err = read(t, client(t, quick()), "ftp://example.org/")
	wantReason(t, err, graph.Refused)
	_, err = read(t, client(t, quick()), "https://example.org:port/?secret")
	wantReason(t, err, graph.Malformed)
}

func TestRedact(t *testing.T) {
	u := mustURL(t, "https://user:secret@example.org/a%2Fb?X-Amz-Signature=secret#secret")
	if got := Redact(u); got != "https://example.org/a%2Fb" {
		t.Error(got)
	}
}
