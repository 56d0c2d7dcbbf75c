package pkix

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPathsAreShortestFirstAndComplete(t *testing.T) {
	c := newChain(t)
	certs := c.issue()
	root, inter, leaf := certs[0], certs[1], certs[2]
	// Another root that signed the intermediate's name and key, and the first
	// root's.
	second := newCA(t, "second root")
	secondCert := issue(t, second, nil, nil)
	crossInter := issue(t, c.inter, second, secondCert)
	crossRoot := issue(t, c.root, second, secondCert)
	pool := NewPool([]*x509.Certificate{root, secondCert}, []*x509.Certificate{crossRoot, inter, crossInter, root, inter})
	paths, err := pool.Paths(leaf, CodeSigning)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]*x509.Certificate{{leaf, inter, root}, {leaf, crossInter, secondCert}, {leaf, inter, crossRoot, secondCert}}
	if len(paths) != len(want) {
		t.Fatalf("want %d paths, found %d", len(want), len(paths))
	}
	for _, w := range want {
		if !slices.ContainsFunc(paths, func(p Path) bool {
			return slices.EqualFunc(p.Certificates(), w, (*x509.Certificate).Equal)
		}) {
			t.Errorf("no path %v", subjects(w))
		}
	}
	if n := len(paths[2].Certificates()); n != 4 {
		t.Errorf("want the longest last, found %d certificates", n)
	}
}

func subjects(certs []*x509.Certificate) []string {
	var out []string
	for _, c := range certs {
		out = append(out, c.Subject.CommonName)
	}
	return out
}

func TestWithAddsIntermediatesToOneViewOnly(t *testing.T) {
	certs := newChain(t).issue()
	base := NewPool(certs[:1], nil)
	for range 2 {
		if _, err := base.With(certs[1:2]).Paths(certs[2], CodeSigning); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := base.Paths(certs[2], CodeSigning); err == nil {
		t.Error("an intermediate of another view was used")
	}
	if got := base.Roots(); len(got) != 1 || !got[0].Equal(certs[0]) {
		t.Errorf("want the root, found %v", subjects(got))
	}
}

func TestWindowAndValidAt(t *testing.T) {
	c := newChain(t)
	c.root.NotBefore, c.root.NotAfter = begin.AddDate(0, 1, 0), end.AddDate(1, 0, 0)
	c.inter.NotAfter = end.AddDate(0, -1, 0)
	paths, err := c.paths(CodeSigning)
	if err != nil {
		t.Fatal(err)
	}
	p := paths[0]
	from, to := p.Window()
	if !from.Equal(c.root.NotBefore) || !to.Equal(c.inter.NotAfter) {
		t.Errorf("want %v to %v, found %v to %v", c.root.NotBefore, c.inter.NotAfter, from, to)
	}
	for _, at := range []time.Time{from, to, to.Add(999 * time.Millisecond), from.AddDate(0, 1, 0).Local()} {
		if err := p.ValidAt(at); err != nil {
			t.Errorf("%v: %v", at, err)
		}
	}
	for at, who := range map[time.Time]string{
		from.Add(-time.Millisecond): "CN=root", to.Add(time.Second): "CN=intermediate", end.Add(time.Second): "CN=intermediate", begin: "CN=root",
	} {
		var e *PathError
		if err := p.ValidAt(at); !errors.As(err, &e) || !strings.Contains(err.Error(), who) {
			t.Errorf("%v: want an error about %s, found %v", at, who, err)
		}
	}
	if (Path{}).ValidAt(begin) == nil {
		t.Error("no path is valid")
	}
}

func TestARootByItself(t *testing.T) {
	certs := newChain(t).issue()
	pool := NewPool(certs[:1], certs[1:2])
	for u := AnyUsage; u <= CertSigning; u++ {
		paths, err := pool.Paths(certs[0], u)
		if want := u == CertSigning || u == CRLSigning; want != (err == nil && len(paths) == 1) {
			t.Errorf("%s: want %t, found %v", u, want, err)
		}
	}
	if _, err := NewPool(nil, certs[:2]).Paths(certs[2], CodeSigning); err == nil {
		t.Error("a root among the intermediates was trusted")
	}
}

func TestMinRSALeafBits(t *testing.T) {
	c := newChain(t)
	if _, err := c.paths(CodeSigning, MinRSALeafBits(3072)); err != nil {
		t.Errorf("an ECDSA key: %v", err)
	}
	c.leaf.key = testRSA(t)
	if _, err := c.paths(CodeSigning, MinRSALeafBits(2048)); err != nil {
		t.Error(err)
	}
	if _, err := c.paths(CodeSigning, MinRSALeafBits(3072)); err == nil || !strings.Contains(err.Error(), "2048 bits of the 3072") {
		t.Errorf("want an error about 2048 bits, found %v", err)
	}
}

// TestTheErrorIsAboutTheCandidateThatGotFurthest has a broken branch beside one
// that only lacks the purpose.
func TestTheErrorIsAboutTheCandidateThatGotFurthest(t *testing.T) {
	c := newChain(t)
	c.leaf.ExtKeyUsage = nil
	certs := c.issue()
	nobody := newCA(t, "nobody")
	stray := issue(t, c.inter, nobody, issue(t, nobody, nil, nil))
	_, err := NewPool(certs[:1], []*x509.Certificate{stray, certs[1]}).Paths(certs[2], CodeSigning)
	if err == nil || !strings.Contains(err.Error(), "no extKeyUsage") {
		t.Errorf("want an error about the purpose, found %v", err)
	}
}

// mesh is levels of CAs with the same names, each level signed by every CA of the
// one above: width to the power of levels paths, none of which reaches a root,
// or all.
func mesh(t *testing.T, levels, width int, sameKey bool) (root *x509.Certificate, cas []*x509.Certificate, leaf *x509.Certificate) {
	t.Helper()
	top := newCA(t, "root")
	root = issue(t, top, nil, nil)
	above, aboveCerts := []*link{top}, []*x509.Certificate{root}
	for l := range levels {
		var row []*link
		var rowCerts []*x509.Certificate
		for range width {
			ca := newCA(t, fmt.Sprintf("level %d", l))
			if sameKey && len(row) > 0 {
				ca.key = row[0].key
			}
			row = append(row, ca)
			for i, a := range above {
				made := issue(t, ca, a, aboveCerts[i])
				cas = append(cas, made)
				if i == 0 {
					rowCerts = append(rowCerts, made)
				}
			}
		}
		above, aboveCerts = row, rowCerts
	}
	l := newChain(t).leaf
	return root, cas, issue(t, l, above[0], aboveCerts[0])
}

func TestCrossSignedMeshesEnd(t *testing.T) {
	for _, sameKey := range []bool{false, true} {
		root, cas, leaf := mesh(t, 12, 4, sameKey)
		paths, err := NewPool([]*x509.Certificate{root}, cas).Paths(leaf, CodeSigning)
		if err != nil || len(paths) > MaxPaths {
			t.Errorf("rooted mesh, same key %t: want up to %d paths, found %d and %v", sameKey, MaxPaths, len(paths), err)
		}
		other := issue(t, newCA(t, "other root"), nil, nil)
		_, err = NewPool([]*x509.Certificate{other}, cas).Paths(leaf, CodeSigning)
		var e *PathError
		if !errors.As(err, &e) {
			t.Errorf("mesh without a root: want a *PathError, found %v", err)
		}
	}
}

// TestManyCAsOfOneName offers a hundred CAs of one name that sign each other in
// a row (as crypto/x509's TestPathologicalChains does).
func TestManyCAsOfOneName(t *testing.T) {
	for _, sameKey := range []bool{false, true} {
		parent := newCA(t, "CA")
		cert := issue(t, parent, nil, nil)
		first := cert
		cas := []*x509.Certificate{cert}
		for range 100 {
			ca := newCA(t, "CA")
			ca.SerialNumber = nil
			if sameKey {
				ca.key = parent.key
			}
			cert = issue(t, ca, parent, cert)
			parent = ca
			cas = append(cas, cert)
		}
		leaf := issue(t, newChain(t).leaf, parent, cert)
		other := issue(t, newCA(t, "root"), nil, nil)
		_, err := NewPool([]*x509.Certificate{other}, cas).Paths(leaf, CodeSigning)
		var e *PathError
		if !errors.As(err, &e) {
			t.Errorf("same key %t: want a *PathError, found %v", sameKey, err)
		}
		// What the hundred hide is found where it is near the leaf.
		if sameKey {
			if _, err := NewPool([]*x509.Certificate{first}, cas[1:]).Paths(leaf, CodeSigning); err != nil {
				t.Errorf("the root that signed the leaf: %v", err)
			}
		}
	}
}

// TestDecoysDoNotHideThePath puts the issuer last among CAs of its name; its key
// identifier tells it apart.
func TestDecoysDoNotHideThePath(t *testing.T) {
	c := newChain(t)
	certs := c.issue()
	var cas []*x509.Certificate
	for range 300 {
		cas = append(cas, issue(t, newCA(t, "intermediate"), c.root, certs[0]))
	}
	if _, err := NewPool(certs[:1], append(cas, certs[1])).Paths(certs[2], CodeSigning); err != nil {
		t.Error(err)
	}
	_, err := NewPool(certs[:1], cas).Paths(certs[2], CodeSigning)
	var e *PathError
	if !errors.As(err, &e) || !e.Limit || !strings.Contains(err.Error(), "signatures to check") {
		t.Errorf("want a limit on signatures, found %v", err)
	}
}

func TestTooLongAPath(t *testing.T) {
	for n, want := range map[int]bool{MaxPathLength - 3: true, MaxPathLength - 2: false} {
		c := newChain(t)
		for i := range n {
			c.more = append(c.more, newCA(t, fmt.Sprint("CA ", i)))
		}
		_, err := c.paths(CodeSigning)
		if want != (err == nil) {
			t.Errorf("%d certificates: want %t, found %v", n+3, want, err)
		}
	}
}

func TestManyNamesAndConstraints(t *testing.T) {
	build := func(names, constraints int) error {
		c := newChain(t)
		var subtrees []string
		for i := range constraints {
			subtrees = append(subtrees, subtree(0x82, fmt.Sprintf("x%d.org", i)))
		}
		with(c.inter, exclude(subtrees...))
		for i := range names {
			c.leaf.DNSNames = append(c.leaf.DNSNames, fmt.Sprintf("t%d.org", i))
		}
		_, err := c.paths(CodeSigning)
		return err
	}
	if err := build(100, 2000); err != nil {
		t.Errorf("100 names, 2000 constraints: %v", err)
	}
	var e *PathError
	if err := build(2000, 2000); !errors.As(err, &e) || !e.Limit {
		t.Errorf("2000 names, 2000 constraints: want a limit, found %v", err)
	}
}
