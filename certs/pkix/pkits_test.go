package pkix

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/needed"
)

// pkitsDir is where Debian's python3-cryptography-vectors has NIST's Public Key
// Interoperability Test Suite (version 1.0.1, certificates of 2011).
const pkitsDir = "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data/certs"

// verdict is what PKITS expects, as far as paths decide.
type verdict int

const (
	holds verdict = iota + 1
	fails
	dsa // PKITS lets it hold; we refuse DSA
	crl // PKITS lets it fail by a CRL alone: the path holds
)

// pkits are the tests of all sections but those on revocation (§4.4, §4.14,
// §4.15), in their order, as they are judged under the default settings of each:
// any policy is acceptable, and nothing is demanded or inhibited from outside.
var pkits = []struct {
	section string
	name    string // with Test and number at the end
	want    verdict
}{
	{"4.1", "ValidCertificatePathTest1", holds},
	{"4.1", "InvalidCASignatureTest2", fails},
	{"4.1", "InvalidEESignatureTest3", fails},
	{"4.1", "ValidDSASignaturesTest4", dsa},
	{"4.1", "ValidDSAParameterInheritanceTest5", dsa},
	{"4.1", "InvalidDSASignatureTest6", fails},

	{"4.2", "InvalidCAnotBeforeDateTest1", fails},
	{"4.2", "InvalidEEnotBeforeDateTest2", fails},
	{"4.2", "Validpre2000UTCnotBeforeDateTest3", holds},
	{"4.2", "ValidGeneralizedTimenotBeforeDateTest4", holds},
	{"4.2", "InvalidCAnotAfterDateTest5", fails},
	{"4.2", "InvalidEEnotAfterDateTest6", fails},
	{"4.2", "Invalidpre2000UTCEEnotAfterDateTest7", fails},
	{"4.2", "ValidGeneralizedTimenotAfterDateTest8", holds},

	{"4.3", "InvalidNameChainingTest1", fails},
	{"4.3", "InvalidNameChainingOrderTest2", fails},
	{"4.3", "ValidNameChainingWhitespaceTest3", holds},
	{"4.3", "ValidNameChainingWhitespaceTest4", holds},
	{"4.3", "ValidNameChainingCapitalizationTest5", holds},
	{"4.3", "ValidNameUIDsTest6", holds},
	{"4.3", "ValidRFC3280MandatoryAttributeTypesTest7", holds},
	{"4.3", "ValidRFC3280OptionalAttributeTypesTest8", holds},
	{"4.3", "ValidUTF8StringEncodedNamesTest9", holds},
	{"4.3", "ValidRolloverfromPrintableStringtoUTF8StringTest10", holds},
	{"4.3", "ValidUTF8StringCaseInsensitiveMatchTest11", holds},

	{"4.5", "ValidBasicSelfIssuedOldWithNewTest1", holds},
	{"4.5", "InvalidBasicSelfIssuedOldWithNewTest2", crl}, // revoked
	{"4.5", "ValidBasicSelfIssuedNewWithOldTest3", holds},
	{"4.5", "ValidBasicSelfIssuedNewWithOldTest4", holds},
	{"4.5", "InvalidBasicSelfIssuedNewWithOldTest5", crl}, // revoked
	{"4.5", "ValidBasicSelfIssuedCRLSigningKeyTest6", holds},
	{"4.5", "InvalidBasicSelfIssuedCRLSigningKeyTest7", crl}, // revoked
	{"4.5", "InvalidBasicSelfIssuedCRLSigningKeyTest8", fails},

	{"4.6", "InvalidMissingbasicConstraintsTest1", fails},
	{"4.6", "InvalidcAFalseTest2", fails},
	{"4.6", "InvalidcAFalseTest3", fails},
	{"4.6", "ValidbasicConstraintsNotCriticalTest4", holds},
	{"4.6", "InvalidpathLenConstraintTest5", fails},
	{"4.6", "InvalidpathLenConstraintTest6", fails},
	{"4.6", "ValidpathLenConstraintTest7", holds},
	{"4.6", "ValidpathLenConstraintTest8", holds},
	{"4.6", "InvalidpathLenConstraintTest9", fails},
	{"4.6", "InvalidpathLenConstraintTest10", fails},
	{"4.6", "InvalidpathLenConstraintTest11", fails},
	{"4.6", "InvalidpathLenConstraintTest12", fails},
	{"4.6", "ValidpathLenConstraintTest13", holds},
	{"4.6", "ValidpathLenConstraintTest14", holds},
	{"4.6", "ValidSelfIssuedpathLenConstraintTest15", holds},
	{"4.6", "InvalidSelfIssuedpathLenConstraintTest16", fails},
	{"4.6", "ValidSelfIssuedpathLenConstraintTest17", holds},

	{"4.7", "InvalidkeyUsageCriticalkeyCertSignFalseTest1", fails},
	{"4.7", "InvalidkeyUsageNotCriticalkeyCertSignFalseTest2", fails},
	{"4.7", "ValidkeyUsageNotCriticalTest3", holds},
	{"4.7", "InvalidkeyUsageCriticalcRLSignFalseTest4", crl},    // the CA may not sign CRLs
	{"4.7", "InvalidkeyUsageNotCriticalcRLSignFalseTest5", crl}, // likewise

	{"4.8", "ValidCertificatePathTest1", holds},
	{"4.8", "AllCertificatesNoPoliciesTest2", holds},
	{"4.8", "DifferentPoliciesTest3", holds},
	{"4.8", "DifferentPoliciesTest4", fails},
	{"4.8", "DifferentPoliciesTest5", fails},
	{"4.8", "OverlappingPoliciesTest6", holds},
	{"4.8", "DifferentPoliciesTest7", fails},
	{"4.8", "DifferentPoliciesTest8", fails},
	{"4.8", "DifferentPoliciesTest9", fails},
	{"4.8", "AllCertificatesSamePoliciesTest10", holds},
	{"4.8", "AllCertificatesanyPolicyTest11", holds},
	{"4.8", "DifferentPoliciesTest12", fails},
	{"4.8", "AllCertificatesSamePoliciesTest13", holds},
	{"4.8", "AnyPolicyTest14", holds},
	{"4.8", "UserNoticeQualifierTest15", holds},
	{"4.8", "UserNoticeQualifierTest16", holds},
	{"4.8", "UserNoticeQualifierTest17", holds},
	{"4.8", "UserNoticeQualifierTest18", holds},
	{"4.8", "UserNoticeQualifierTest19", holds},
	{"4.8", "CPSPointerQualifierTest20", holds},

	{"4.9", "ValidrequireExplicitPolicyTest1", holds},
	{"4.9", "ValidrequireExplicitPolicyTest2", holds},
	{"4.9", "InvalidrequireExplicitPolicyTest3", fails},
	{"4.9", "ValidrequireExplicitPolicyTest4", holds},
	{"4.9", "InvalidrequireExplicitPolicyTest5", fails},
	{"4.9", "ValidSelfIssuedrequireExplicitPolicyTest6", holds},
	{"4.9", "InvalidSelfIssuedrequireExplicitPolicyTest7", fails},
	{"4.9", "InvalidSelfIssuedrequireExplicitPolicyTest8", fails},

	{"4.10", "ValidPolicyMappingTest1", holds},
	{"4.10", "InvalidPolicyMappingTest2", fails},
	{"4.10", "ValidPolicyMappingTest3", holds},
	{"4.10", "InvalidPolicyMappingTest4", fails},
	{"4.10", "ValidPolicyMappingTest5", holds},
	{"4.10", "ValidPolicyMappingTest6", holds},
	{"4.10", "InvalidMappingFromanyPolicyTest7", fails},
	{"4.10", "InvalidMappingToanyPolicyTest8", fails},
	{"4.10", "ValidPolicyMappingTest9", holds},
	{"4.10", "InvalidPolicyMappingTest10", fails},
	{"4.10", "ValidPolicyMappingTest11", holds},
	{"4.10", "ValidPolicyMappingTest12", holds},
	{"4.10", "ValidPolicyMappingTest13", holds},
	{"4.10", "ValidPolicyMappingTest14", holds},

	{"4.11", "InvalidinhibitPolicyMappingTest1", fails},
	{"4.11", "ValidinhibitPolicyMappingTest2", holds},
	{"4.11", "InvalidinhibitPolicyMappingTest3", fails},
	{"4.11", "ValidinhibitPolicyMappingTest4", holds},
	{"4.11", "InvalidinhibitPolicyMappingTest5", fails},
	{"4.11", "InvalidinhibitPolicyMappingTest6", fails},
	{"4.11", "ValidSelfIssuedinhibitPolicyMappingTest7", holds},
	{"4.11", "InvalidSelfIssuedinhibitPolicyMappingTest8", fails},
	{"4.11", "InvalidSelfIssuedinhibitPolicyMappingTest9", fails},
	{"4.11", "InvalidSelfIssuedinhibitPolicyMappingTest10", fails},
	{"4.11", "InvalidSelfIssuedinhibitPolicyMappingTest11", fails},

	{"4.12", "InvalidinhibitAnyPolicyTest1", fails},
	{"4.12", "ValidinhibitAnyPolicyTest2", holds},
	{"4.12", "inhibitAnyPolicyTest3", holds},
	{"4.12", "InvalidinhibitAnyPolicyTest4", fails},
	{"4.12", "InvalidinhibitAnyPolicyTest5", fails},
	{"4.12", "InvalidinhibitAnyPolicyTest6", fails},
	{"4.12", "ValidSelfIssuedinhibitAnyPolicyTest7", holds},
	{"4.12", "InvalidSelfIssuedinhibitAnyPolicyTest8", fails},
	{"4.12", "ValidSelfIssuedinhibitAnyPolicyTest9", holds},
	{"4.12", "InvalidSelfIssuedinhibitAnyPolicyTest10", fails},

	{"4.13", "ValidDNnameConstraintsTest1", holds},
	{"4.13", "InvalidDNnameConstraintsTest2", fails},
	{"4.13", "InvalidDNnameConstraintsTest3", fails},
	{"4.13", "ValidDNnameConstraintsTest4", holds},
	{"4.13", "ValidDNnameConstraintsTest5", holds},
	{"4.13", "ValidDNnameConstraintsTest6", holds},
	{"4.13", "InvalidDNnameConstraintsTest7", fails},
	{"4.13", "InvalidDNnameConstraintsTest8", fails},
	{"4.13", "InvalidDNnameConstraintsTest9", fails},
	{"4.13", "InvalidDNnameConstraintsTest10", fails},
	{"4.13", "ValidDNnameConstraintsTest11", holds},
	{"4.13", "InvalidDNnameConstraintsTest12", fails},
	{"4.13", "InvalidDNnameConstraintsTest13", fails},
	{"4.13", "ValidDNnameConstraintsTest14", holds},
	{"4.13", "InvalidDNnameConstraintsTest15", fails},
	{"4.13", "InvalidDNnameConstraintsTest16", fails},
	{"4.13", "InvalidDNnameConstraintsTest17", fails},
	{"4.13", "ValidDNnameConstraintsTest18", holds},
	{"4.13", "ValidDNnameConstraintsTest19", holds},
	{"4.13", "InvalidDNnameConstraintsTest20", fails},
	{"4.13", "ValidRFC822nameConstraintsTest21", holds},
	{"4.13", "InvalidRFC822nameConstraintsTest22", fails},
	{"4.13", "ValidRFC822nameConstraintsTest23", holds},
	{"4.13", "InvalidRFC822nameConstraintsTest24", fails},
	{"4.13", "ValidRFC822nameConstraintsTest25", holds},
	{"4.13", "InvalidRFC822nameConstraintsTest26", fails},
	{"4.13", "ValidDNandRFC822nameConstraintsTest27", holds},
	{"4.13", "InvalidDNandRFC822nameConstraintsTest28", fails},
	{"4.13", "InvalidDNandRFC822nameConstraintsTest29", fails},
	{"4.13", "ValidDNSnameConstraintsTest30", holds},
	{"4.13", "InvalidDNSnameConstraintsTest31", fails},
	{"4.13", "ValidDNSnameConstraintsTest32", holds},
	{"4.13", "InvalidDNSnameConstraintsTest33", fails},
	{"4.13", "ValidURInameConstraintsTest34", holds},
	{"4.13", "InvalidURInameConstraintsTest35", fails},
	{"4.13", "ValidURInameConstraintsTest36", holds},
	{"4.13", "InvalidURInameConstraintsTest37", fails},
	{"4.13", "InvalidDNSnameConstraintsTest38", fails},

	{"4.16", "ValidUnknownNotCriticalCertificateExtensionTest1", holds},
	{"4.16", "InvalidUnknownCriticalCertificateExtensionTest2", fails},
}

// unparsed are certificates that are refused before there is a path.
var unparsed = map[string]string{
	"DSAParametersInheritedCACert":        "invalid DSA parameters",
	"ValidDSAParameterInheritanceTest5EE": "invalid DSA parameters",
	"InvalidNegativeSerialNumberTest15EE": "negative serial number", // §4.4.15: revoked, too
}

func readPKITS(t *testing.T) map[string]*x509.Certificate {
	t.Helper()
	files, err := filepath.Glob(pkitsDir + "/*.crt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		needed.Missing(t, "Debian's package python3-cryptography-vectors")
	}
	out := map[string]*x509.Certificate{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".crt")
		der, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseCertificate(der)
		if want := unparsed[name]; want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: want an error with %q, found %v", name, want, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = c
	}
	return out
}

// TestPKITS offers every CA certificate of the suite for every test: which of
// them belong to a test is for the search to find out.
func TestPKITS(t *testing.T) {
	certs := readPKITS(t)
	at := time.Date(2020, 6, 1, 0, 0, 0, 0, time.UTC)
	var cas []*x509.Certificate
	for name, c := range certs {
		if strings.HasSuffix(name, "Cert") {
			cas = append(cas, c)
		}
	}
	pool := NewPool([]*x509.Certificate{certs["TrustAnchorRootCertificate"]}, cas)
	validate := func(name string) error {
		c := certs[name+"EE"]
		if c == nil {
			if unparsed[name+"EE"] == "" {
				t.Fatalf("no certificate %sEE", name)
			}
			return x509.ErrUnsupportedAlgorithm
		}
		paths, err := pool.Paths(c, AnyUsage)
		if err != nil {
			return err
		}
		for _, p := range paths {
			if err = p.ValidAt(at); err == nil {
				return nil
			}
		}
		return err
	}
	tested := map[string]bool{}
	for _, tt := range pkits {
		tested[tt.name+"EE"] = true
		t.Run(tt.section+"/"+tt.name, func(t *testing.T) {
			err := validate(tt.name)
			if want := tt.want == holds || tt.want == crl; want != (err == nil) {
				t.Errorf("want a path that holds: %t, found %v", want, err)
			}
		})
	}
	if len(pkits) != 158 {
		t.Errorf("want 158 tests, 224 without the 66 on revocation, found %d", len(pkits))
	}
	// What §4.4, §4.14 and §4.15 test is revocation: all paths hold.
	rest := 0
	for name := range certs {
		if !strings.HasSuffix(name, "EE") || tested[name] {
			continue
		}
		rest++
		if err := validate(strings.TrimSuffix(name, "EE")); err != nil {
			t.Errorf("%s: want a path that holds apart from revocation, found %v", name, err)
		}
	}
	if rest == 0 {
		t.Error("no certificates of the sections on revocation")
	}
	t.Logf("%d tests of paths, %d certificates of the sections on revocation", len(pkits), rest)
}
