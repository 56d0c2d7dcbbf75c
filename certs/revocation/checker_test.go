package revocation

import (
	"context"
	"encoding/asn1"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs/pkix"
)

func TestNewCheckerRefusesWhatCanTellNothing(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]Config{
		"no pool":            {Now: now},
		"no time":            {Pool: w.pool()},
		"a negative grace":   {Pool: w.pool(), Now: now, Grace: -1},
		"URLs, no sources":   {Pool: w.pool(), Now: now, URLs: []string{"http://a/"}},
		"points, no sources": {Pool: w.pool(), Now: now, DistributionPoints: true},
		"OCSP, no sources":   {Pool: w.pool(), Now: now, OCSP: true},
	} {
		if _, err := NewChecker(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewChecker(Config{Pool: w.pool(), Now: now}); err != nil {
		t.Error(err)
	}
}

func TestFetchedLists(t *testing.T) {
	point := "http://a/crl"
	freshest := extra(oidFreshestCRL, sequence(sequence(atURI("http://a/delta"))))
	w := newWorld(t, points("ldap://a/x", point), freshest)
	good, revoked := listDER(t, w.ca), listDER(t, w.ca, revokes(w.leaf))
	justMade := listDER(t, w.ca, dated(now.Add(skew), day(2026, 7, 1)))
	held := listDER(t, w.ca, number(5), revokes(w.leaf, reason(CertificateHold)))
	removed := listDER(t, w.ca, number(6), delta(5), revokes(w.leaf, reason(RemoveFromCRL)))
	url := func(c *Config) { c.URLs = []string{"http://b/crl"} }
	allow := func(c *Config) { c.DistributionPoints = true }
	tests := []struct {
		name   string
		lists  map[string][]byte
		config func(*Config)
		want   Status
		why    string
		heals  bool
	}{
		{"a URL of policy", map[string][]byte{"http://b/crl": good}, url, Good, "", false},
		{"it lists the certificate", map[string][]byte{"http://b/crl": revoked}, url, Revoked, "", false},
		{"it is gone", nil, url, Unknown, "not found", false},
		{"it is unreachable", nil, func(c *Config) { c.URLs = []string{"http://down/crl"} }, Unknown, "unreachable", true},
		{"one of two is unreachable", map[string][]byte{"http://b/crl": good}, func(c *Config) { c.URLs = []string{"http://down/crl", "http://b/crl"} }, Good, "", false},
		{"it is no CRL", map[string][]byte{"http://b/crl": []byte("<html>")}, url, Unknown, "no CRL: want PEM", false},
		{"it was just made", map[string][]byte{"http://b/crl": justMade}, url, Good, "", false},
		{"a point that policy does not allow", map[string][]byte{point: good}, func(*Config) {}, Unknown, "no CRL or OCSP", false},
		{"a point", map[string][]byte{point: good}, allow, Good, "", false},
		{"a point that lists it", map[string][]byte{point: revoked}, allow, Revoked, "", false},
		{"a delta at freshestCRL", map[string][]byte{point: held, "http://a/delta": removed}, allow, Good, "", false},
		{"the delta is missing", map[string][]byte{point: held}, allow, Revoked, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.check(t, nil, func(c *Config) { c.Sources = &store{lists: tt.lists}; tt.config(c) })
			wantAnswer(t, a, tt.want, tt.why)
			if a.Heals != tt.heals {
				t.Errorf("heals: want %t, found %t", tt.heals, a.Heals)
			}
		})
	}
	// What is given must not be of the future at all.
	lists, err := ParseCRLs(justMade)
	if err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, w.check(t, lists), Unknown, "after")
}

func TestFetchesAreBounded(t *testing.T) {
	var urls []string
	for i := range 30 {
		urls = append(urls, "http://a/"+strings.Repeat("x", i))
	}
	w := newWorld(t, points(urls...))
	s := &store{}
	wantAnswer(t, w.check(t, nil, func(c *Config) { c.Sources, c.DistributionPoints = s, true }), Unknown, "not found")
	if len(s.asked) != maxURLs {
		t.Fatalf("asked %d times", len(s.asked))
	}
	w = newWorld(t, extra(oidDistributionPoints, sequence([]byte{5, 0})))
	if _, err := w.pool().Paths(w.leaf.cert, pkix.AnyUsage); err == nil {
		wantAnswer(t, w.check(t, []*CRL{list(t, w.ca)}), Unknown, "malformed")
	}
}

// counting counts fetches and is slow, so that questions overlap.
type counting struct {
	n    atomic.Int32
	list []byte
}

func (c *counting) CRL(context.Context, string) ([]byte, error) {
	c.n.Add(1)
	time.Sleep(20 * time.Millisecond)
	return c.list, nil
}

func (*counting) OCSP(context.Context, string, []byte) ([]byte, error) { return nil, context.Canceled }

func TestManyAskAtOnce(t *testing.T) {
	w := newWorld(t)
	second := issue(t, w.root, "CA", nil, crlOnly)
	w.more = append(w.more, second.cert)
	s := &counting{list: append(listDER(t, second), listDER(t, w.root)...)}
	c, err := NewChecker(Config{URLs: []string{"http://a/"}, Sources: s, Pool: w.pool(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var paths []pkix.Path
	for range 8 {
		w.leaf = issue(t, w.ca, "leaf", nil, leafOnly)
		paths = append(paths, w.path(t))
	}
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			if a := c.Check(t.Context(), paths[i%8], i%2); a.Status != Good {
				t.Errorf("%s: %s", a.Status, a.Why)
			}
		})
	}
	group.Wait()
	if n := s.n.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
}

func TestACheckThatIsEndedIsNotKept(t *testing.T) {
	w := newWorld(t)
	s := &counting{list: listDER(t, w.ca)}
	c, err := NewChecker(Config{URLs: []string{"http://a/"}, Sources: s, Pool: w.pool(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := c.Check(ctx, w.path(t), 0)
	wantAnswer(t, a, Unknown, "")
	if !a.Heals {
		t.Error("it may be good if nobody ends it")
	}
	wantAnswer(t, c.Check(t.Context(), w.path(t), 0), Good, "")
}

func TestTextOfListsIsSafeForATerminal(t *testing.T) {
	w := newWorld(t)
	nasty := issue(t, nil, "a\x1b[2J\nb", nil, authority)
	if s := list(t, nasty).String(); strings.ContainsAny(s, "\x1b\n") {
		t.Errorf("%q", s)
	}
	if s := list(t, w.ca, number(5), delta(3)).String(); !strings.HasPrefix(s, "delta CRL number 5 of ") {
		t.Error(s)
	}
	for id, want := range map[string]string{
		"\x55\x1d\x14": "2.5.29.20", "\x88\x37": "2.999", "\x2b\x06\x01": "1.3.6.1", "\x80\x01": "8001", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f": "ffffffffffffffffff7f",
	} {
		if got := dotted([]byte(id)); got != want {
			t.Errorf("%x: want %s, found %s", id, want, got)
		}
	}
	var parsed asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal([]byte{6, 2, 0x88, 0x37}, &parsed); err != nil || parsed.String() != "2.999" {
		t.Error(parsed, err)
	}
}
