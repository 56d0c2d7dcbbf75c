package revocation

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/fixtures/needed"
)

// pkitsDir is where Debian's python3-cryptography-vectors has NIST's Public Key
// Interoperability Test Suite (certificates and CRLs of the year 2010 to 2030).
const pkitsDir = "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data"

// pkitsHolds has the tests whose name does not say whether the path holds, with
// the suite's default settings: any-policy, no explicit policy demanded.
var pkitsHolds = map[string]bool{
	"AllCertificatesNoPoliciesTest2EE":    true,
	"AllCertificatesSamePoliciesTest10EE": true,
	"AllCertificatesSamePoliciesTest13EE": true,
	"AllCertificatesanyPolicyTest11EE":    true,
	"AnyPolicyTest14EE":                   true,
	"CPSPointerQualifierTest20EE":         true,
	"DifferentPoliciesTest12EE":           false,
	"DifferentPoliciesTest3EE":            true,
	"DifferentPoliciesTest4EE":            false,
	"DifferentPoliciesTest5EE":            false,
	"DifferentPoliciesTest7EE":            false,
	"DifferentPoliciesTest8EE":            false,
	"DifferentPoliciesTest9EE":            false,
	"OverlappingPoliciesTest6EE":          true,
	"UserNoticeQualifierTest15EE":         true,
	"UserNoticeQualifierTest16EE":         true,
	"UserNoticeQualifierTest17EE":         true,
	"UserNoticeQualifierTest18EE":         true,
	"UserNoticeQualifierTest19EE":         true,
	"inhibitAnyPolicyTest3EE":             true,
}

// pkitsRefused are paths that hold in the suite and that we refuse: DSA.
var pkitsRefused = map[string]bool{
	"ValidDSASignaturesTest4EE":           true,
	"ValidDSAParameterInheritanceTest5EE": true,
}

// TestPKITS judges every end entity of the suite with all of its certificates
// and all of its CRLs at hand, where each test names the few that it is about:
// the others must not change a verdict. The suite's 224 tests have 223 end
// entities; §4.8.1 has the one of §4.1.1.
func TestPKITS(t *testing.T) {
	needed.Files(t, pkitsDir, "Debian's package python3-cryptography-vectors")
	var roots, certs, ends []*x509.Certificate
	var names []string
	broken := map[string]error{}
	each(t, "certs/*.crt", func(name string, der []byte) {
		c, err := pkix.ParseCertificate(der)
		switch {
		case err != nil && !strings.HasSuffix(name, "EE"):
			t.Logf("%s: %v", name, err)
		case err != nil:
			broken[name] = err
			names, ends = append(names, name), append(ends, nil)
		case name == "TrustAnchorRootCertificate":
			roots = append(roots, c)
		default:
			certs = append(certs, c)
			if strings.Contains(name, "Test") && strings.HasSuffix(name, "EE") {
				names, ends = append(names, name), append(ends, c)
			}
		}
	})
	var lists []*CRL
	each(t, "crls/*.crl", func(name string, der []byte) {
		l, err := ParseCRLs(der)
		if err != nil {
			t.Logf("%s: %v", name, err)
		}
		lists = append(lists, l...)
	})
	pool := pkix.NewPool(roots, certs)
	checker, err := NewChecker(Config{CRLs: lists, Pool: pool, Now: day(2015, 6, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 223 || len(lists) < 170 {
		t.Fatalf("found %d end entities and %d CRLs", len(names), len(lists))
	}
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			want, other := pkitsHolds[name]
			if !other {
				want = strings.HasPrefix(name, "Valid")
				if !want && !strings.HasPrefix(name, "Invalid") {
					t.Fatal("it is not known what the suite wants")
				}
			}
			err := broken[name]
			if err == nil {
				err = judge(t.Context(), pool, checker, ends[i])
			}
			if pkitsRefused[name] {
				want = false
				if err != nil && !strings.Contains(err.Error(), "DSA") {
					t.Errorf("refused for another reason than DSA: %v", err)
				}
			}
			if (err == nil) != want {
				t.Errorf("want holds=%t, found %v", want, err)
			}
			if err != nil {
				t.Logf("refused: %v", err)
			}
		})
	}
}

func each(t *testing.T, pattern string, visit func(name string, der []byte)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pkitsDir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		der, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(f)
		visit(strings.TrimSuffix(base, filepath.Ext(base)), der)
	}
}

// judge wants a path that is valid at the checker's time, with an answer of good
// for every certificate below the root.
func judge(ctx context.Context, pool *pkix.Pool, checker *Checker, leaf *x509.Certificate) error {
	paths, err := pool.Paths(leaf, pkix.AnyUsage)
	if err != nil {
		return err
	}
	var last error
next:
	for _, p := range paths {
		if err := p.ValidAt(checker.config.Now); err != nil {
			last = err
			continue
		}
		for i := range len(p.Certificates()) - 1 {
			switch a := checker.Check(ctx, p, i); a.Status {
			case Good:
			case Revoked:
				last = errors.New("revoked: " + pkix.Describe(p.Certificates()[i]))
				continue next
			default:
				last = errors.New("unknown: " + pkix.Describe(p.Certificates()[i]) + ": " + a.Why)
				continue next
			}
		}
		return nil
	}
	return last
}
