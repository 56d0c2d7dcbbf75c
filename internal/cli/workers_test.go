package cli

import (
	"crypto/x509"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/revocation"
	fixture "github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/fixtures/tsa"
	"github.com/mozilla-releng/cot/graph"
)

// workersDesk is a CA of cot-certs, a time-stamp authority, and a verifier who
// trusts both.
type workersDesk struct {
	dir      string
	stamps   *tsa.Authority
	stampURL string
}

const workerPool, workerGroup, workerID = "gecko-3/b-linux", "us-east-1", "i-0abc"

func newWorkersDesk(t *testing.T) workersDesk {
	d := workersDesk{dir: testCA(t), stamps: tsa.New(time.Now)}
	server := httptest.NewServer(d.stamps)
	t.Cleanup(server.Close)
	d.stampURL = server.URL
	return d
}

// issue gives the key and the chain of a new worker, and a document to sign.
func (d workersDesk) issue(t *testing.T, kind string) (key, chain, document string) {
	t.Helper()
	dir := t.TempDir()
	key, chain = filepath.Join(dir, "worker.key"), filepath.Join(dir, "worker.pem")
	runCerts(t, exitOK, "issue", "--ca", filepath.Join(d.dir, "ca"), "--worker-pool", workerPool, "--worker", workerGroup+"/"+workerID,
		"--new-key", key, "--key-type", kind, "-o", chain)
	// Bytes that a program might take for text, or end at.
	return key, chain, writeTest(t, filepath.Join(dir, "chain-of-trust.json"), "{\"a\": \"\u00e9\",\r\n \"b\": 1}\x00\n\n")
}

// judge verifies what is beside a document as the tools do, a few seconds after
// it was signed: a time stamp is exact to a second only.
func (d workersDesk) judge(t *testing.T, document []byte, forms map[certs.Form][]byte) (*certs.Verified, []certs.Failure) {
	t.Helper()
	crls := func(data ...[]byte) (out []*revocation.CRL) {
		for _, b := range data {
			list, err := revocation.ParseCRLs(b)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, list...)
		}
		return out
	}
	now := time.Now().Add(5 * time.Second)
	stampRoot := fixture.Holder{Certificate: d.stamps.Root, Key: d.stamps.RootKey}
	trust, err := certs.New(certs.Config{Now: now, Certificates: &certs.Certificates{
		TrustDomain: "tc.example.org",
		Roots:       []certs.Anchor{{Certificate: leafOf(t, d.dir, "ca/root.pem")}},
		Revocation:  certs.RequireRevocation,
		CRLs:        crls(read(t, d.dir, "ca/crl/root.crl"), read(t, d.dir, "ca/crl/intermediate.crl")),
		Timestamps: &certs.Timestamps{
			Roots: []*x509.Certificate{d.stamps.Root}, CRLs: crls(stampRoot.CRL(1, now.Add(-time.Hour))),
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := graph.ParseWorkerPool(workerPool)
	if err != nil {
		t.Fatal(err)
	}
	return trust.Verify(t.Context(), certs.Signed{Document: document, Forms: forms}, certs.Worker{
		Implementation: graph.GenericWorker, Pool: pool, WorkerGroup: workerGroup, WorkerID: workerID,
		Started: now.Add(-time.Minute), Resolved: now,
	})
}

// accepted wants what is beside a document to verify by the method, and with any
// one byte of the document or of a signature changed not to.
func (d workersDesk) accepted(t *testing.T, name string, method certs.Method, source certs.TimeSource, forms ...certs.Form) {
	t.Helper()
	document, got := read(t, name), map[certs.Form][]byte{}
	for _, f := range forms {
		got[f] = read(t, name+strings.TrimPrefix(string(f), certs.DocumentName))
	}
	v, failures := d.judge(t, document, got)
	if v == nil || len(failures) > 0 {
		t.Fatalf("refused: %+v", failures)
	}
	if s := v.Signers(); len(s) != 1 || s[0].Method != method || s[0].TimeSource != source {
		t.Fatalf("signers: %+v", s)
	}
	for _, i := range []int{0, len(document) / 2, len(document) - 1} {
		if v, _ := d.judge(t, flipped(document, i), got); v != nil {
			t.Errorf("accepted with byte %d of the document changed", i)
		}
	}
	for f, data := range got {
		if f == certs.FormChain {
			continue // PEM has bytes that say nothing
		}
		spoilt := map[certs.Form][]byte{}
		for other := range got {
			spoilt[other] = got[other]
		}
		spoilt[f] = flipped(data, len(data)-1)
		if v, _ := d.judge(t, document, spoilt); v != nil {
			t.Errorf("accepted with a byte of %s changed", f)
		}
	}
}

// decides wants a document to be refused for a cause; "" is verified.
func (d workersDesk) decides(t *testing.T, name string, forms map[certs.Form][]byte, want certs.Cause) {
	t.Helper()
	v, failures := d.judge(t, read(t, name), forms)
	if want == "" {
		if v == nil || len(failures) > 0 {
			t.Fatalf("refused: %+v", failures)
		}
		return
	}
	if v != nil || !slices.ContainsFunc(failures, func(f certs.Failure) bool { return f.Cause == want }) {
		t.Fatalf("%+v, %+v, want %s", v, failures, want)
	}
}

func flipped(data []byte, i int) []byte {
	out := slices.Clone(data)
	out[i] ^= 1
	return out
}

// workersFile is one of docs/workers.
func workersFile(name string) string { return filepath.Join("..", "..", "docs", "workers", name) }

// runs gives what a program says; it must end well, or not.
func runs(t *testing.T, well bool, command ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if (err == nil) != well {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return string(out)
}

// The programs that docs/workers.md shows, with a key of each type.
func TestWorkersSign(t *testing.T) {
	d := newWorkersDesk(t)
	for language, program := range map[string]func(*testing.T) []string{
		"Go": func(t *testing.T) []string {
			needed.Programs(t, "go")
			name := filepath.Join(t.TempDir(), "sign")
			if runtime.GOOS == "windows" {
				name += ".exe"
			}
			runs(t, true, "go", "build", "-o", name, workersFile(""))
			return []string{name}
		},
		"Python": func(t *testing.T) []string {
			python, _ := pythonWith(t, "cryptography", "import cryptography")
			return []string{python, workersFile("sign.py")}
		},
		"Node": func(t *testing.T) []string {
			needed.Programs(t, "node")
			return []string{"node", workersFile("sign.mjs")}
		},
		"shell": func(t *testing.T) []string {
			needed.Programs(t, "sh", "openssl")
			return []string{"sh", workersFile("sign.sh")}
		},
	} {
		t.Run(language, func(t *testing.T) {
			sign := program(t)
			for _, kind := range []string{"ed25519", "p256", "p384", "rsa3072"} {
				t.Run(kind, func(t *testing.T) {
					key, chain, document := d.issue(t, kind)
					runs(t, true, append(slices.Clone(sign), key, chain, document)...)
					d.accepted(t, document, certs.MethodCertificate, certs.TimeFromQueue, certs.FormSignature, certs.FormChain)
				})
			}
			t.Run("another worker's certificate", func(t *testing.T) {
				key, _, document := d.issue(t, "p256")
				_, other, _ := d.issue(t, "p256")
				out := runs(t, false, append(slices.Clone(sign), key, other, document)...)
				if !strings.Contains(out, "is not the key of the first certificate") {
					t.Errorf("it says %s", out)
				}
				if _, err := os.Stat(document + ".sig"); err == nil {
					t.Error("a signature was written")
				}
			})
		})
	}
}

func TestWorkersSignCMS(t *testing.T) {
	needed.Programs(t, "sh", "openssl")
	d := newWorkersDesk(t)
	for _, kind := range []string{"p256", "p384", "rsa3072"} {
		t.Run(kind, func(t *testing.T) {
			key, chain, document := d.issue(t, kind)
			runs(t, true, "sh", workersFile("sign-cms.sh"), key, chain, document)
			d.accepted(t, document, certs.MethodCMS, certs.TimeFromQueue, certs.FormCMS)
		})
	}
	t.Run("another worker's certificate", func(t *testing.T) {
		key, _, document := d.issue(t, "p256")
		_, other, _ := d.issue(t, "p256")
		runs(t, false, "sh", workersFile("sign-cms.sh"), key, other, document)
	})
}

func TestWorkersStamp(t *testing.T) {
	needed.Programs(t, "sh", "openssl", "curl")
	d := newWorkersDesk(t)
	key, chain, document := d.issue(t, "ed25519")
	runs(t, true, "sh", workersFile("sign.sh"), key, chain, document)
	t.Run("an authority that refuses", func(t *testing.T) {
		refusing := tsa.New(time.Now)
		refusing.Edit = func(r *tsa.Reply) { r.Status, r.NoToken = 2, true }
		server := httptest.NewServer(refusing)
		defer server.Close()
		if out := runs(t, false, "sh", workersFile("stamp.sh"), server.URL, document); !strings.Contains(out, "no time stamp in the answer") {
			t.Errorf("it says %s", out)
		}
		if _, err := os.Stat(document + ".tsr"); err == nil {
			t.Error("the refusal was written")
		}
	})
	runs(t, true, "sh", workersFile("stamp.sh"), d.stampURL, document)
	d.accepted(t, document, certs.MethodCertificate, certs.TimeFromTimestamp, certs.FormSignature, certs.FormChain, certs.FormTimestamp)
}

// What the page says not to sign with is refused, beside a twin that is not.
func TestWorkersShouldNotSign(t *testing.T) {
	needed.Programs(t, "openssl")
	d := newWorkersDesk(t)
	for _, c := range []struct {
		name, kind, options string
		want                certs.Cause // "" is verified
	}{
		{"RSA, PSS", "rsa3072", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32", ""},
		{"RSA, PSS, the largest salt", "rsa3072", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max", certs.SignatureInvalid},
		{"RSA, PSS, SHA-384", "rsa3072", "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest", certs.SignatureInvalid},
		{"RSA, PKCS#1 v1.5", "rsa3072", "-sha256", certs.SignatureInvalid},
		{"P-384, SHA-384", "p384", "-sha384", ""},
		{"P-384, SHA-256", "p384", "-sha256", certs.SignatureInvalid},
		{"P-256, SHA-384", "p256", "-sha384", certs.SignatureInvalid},
		{"P-256, in hexadecimal", "p256", "-sha256 -hex", certs.SignatureInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, chain, document := d.issue(t, c.kind)
			sig := document + ".sig"
			runs(t, true, slices.Concat([]string{"openssl", "dgst"}, strings.Fields(c.options), []string{"-sign", key, "-out", sig, document})...)
			d.decides(t, document, map[certs.Form][]byte{certs.FormSignature: read(t, sig), certs.FormChain: read(t, chain)}, c.want)
		})
	}
}

func TestWorkersShouldNotSignCMS(t *testing.T) {
	needed.Programs(t, "openssl")
	d := newWorkersDesk(t)
	key, chain, document := d.issue(t, "p256")
	const good = "-binary -nocerts -certfile CHAIN"
	for _, c := range []struct {
		name, options string
		want          certs.Cause // "" is verified
	}{
		{"as the page says", good, ""},
		{"PEM", good + " -outform PEM", ""},
		{"without attributes", good + " -noattr", ""},
		{"streamed", good + " -stream", certs.SignatureInvalid},
		{"with the document inside", good + " -nodetach", certs.SignatureInvalid},
		{"S/MIME", good + " -outform SMIME", certs.SignatureInvalid},
		{"SHA-1", good + " -md sha1", certs.SignatureInvalid},
		{"as text, whose line ends are changed", "-nocerts -certfile CHAIN", certs.SignatureInvalid},
		{"without certificates", "-binary -nocerts", certs.SignatureInvalid},
		{"without the intermediate", "-binary", certs.CertificatePath},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := []string{"openssl", "cms", "-sign", "-in", document, "-inkey", key, "-signer", chain, "-outform", "DER", "-out", document + ".p7s"}
			runs(t, true, append(command, strings.Fields(strings.ReplaceAll(c.options, "CHAIN", chain))...)...)
			d.decides(t, document, map[certs.Form][]byte{certs.FormCMS: read(t, document+".p7s")}, c.want)
		})
	}
}
