package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs/authority"
	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/signing"
	"github.com/mozilla-releng/cot/certs/timestamp"
	"github.com/mozilla-releng/cot/internal/durable"
	"github.com/mozilla-releng/cot/internal/keystore"
	"github.com/mozilla-releng/cot/internal/transport"
)

// signFlags are those of cot-certs sign.
type signFlags struct {
	key, cert, passphraseFile, tsa string
	cms                            bool
}

func (c *certsRun) signCommand() *cobra.Command {
	f := &signFlags{}
	cmd := c.command("sign [flags] DOCUMENT", "Sign a document, as a worker does", `Signs a chain of trust document and writes what a worker uploads beside it:

  DOCUMENT.sig  the signature: Ed25519 as it is, ECDSA in ASN.1 over SHA-256 (P-256)
                or SHA-384 (P-384), RSA-PSS over SHA-256
  DOCUMENT.pem  the worker's certificate and those above it, but not the root
  DOCUMENT.p7s  with --cms instead of both: detached CMS SignedData in DER
  DOCUMENT.tsr  with --tsa: an RFC 3161 time stamp over the signature

Any file can be signed so, a bundle of evidence for one (cot-verify-graph
--evidence-identity). All files are written, or none, and none that exists is overwritten. A key file
that others can read is refused.`,
		`  cot-certs sign --key worker.key --cert worker.pem public/chain-of-trust.json

  # CMS, with a time stamp
  cot-certs sign --key worker.key --cert worker.pem --cms --tsa https://tsa.example.org \
                 public/chain-of-trust.json

  # a key in a cloud's key service
  cot-certs sign --key 'awskms:key-id=alias/worker;region=us-west-2' --cert worker.pem document.json`,
		1, func(ctx context.Context, args []string) error { return c.sign(ctx, f, args[0]) })
	fs := cmd.Flags()
	fs.StringVar(&f.key, "key", "", "the worker's key: `FILE` or URI")
	fs.StringVar(&f.cert, "cert", "", "`FILE` with the worker's certificate first, then the intermediates")
	fs.StringVar(&f.passphraseFile, "passphrase-file", "", "the passphrase of the key is the first line of `FILE`, or of - (standard input)")
	fs.BoolVar(&f.cms, "cms", false, "write DOCUMENT.p7s instead of .sig and .pem")
	fs.StringVar(&f.tsa, "tsa", "", "get a time stamp from the authority at `URL`")
	return cmd
}

// maxDocumentBytes bounds what sign reads: evidence bundles are large.
const maxDocumentBytes = 1 << 30

// signed is one file to write.
type signedFile struct {
	name string
	data []byte
}

func (c *certsRun) sign(ctx context.Context, f *signFlags, name string) error {
	if f.key == "" || f.cert == "" {
		return usagef("name both --key FILE|URI and --cert FILE")
	}
	if name == "-" {
		return usagef("DOCUMENT is a file: the signature is written beside it")
	}
	suffixes := []string{".sig", ".pem"}
	if f.cms {
		suffixes = []string{".p7s"}
	}
	if f.tsa != "" {
		suffixes = append(suffixes, ".tsr")
	}
	for _, s := range suffixes {
		if err := absent(name + s); err != nil {
			return err
		}
	}
	chain, err := c.signerChain(f.cert)
	if err != nil {
		return err
	}
	document, err := c.readFile(name, maxDocumentBytes)
	if err != nil {
		return err
	}
	key, err := c.openKey(ctx, f.key, f.passphraseFile)
	if err != nil {
		return err
	}
	defer key.Close() //nolint:errcheck // nothing was written to it
	if !authority.SameKey(chain[0].PublicKey, key.Public()) {
		return usagef("the key %s is not that of the certificate in %s", keystore.Redact(f.key), f.cert)
	}
	files, signature, err := signatureFiles(f, name, document, key, chain, c.now())
	if err != nil {
		return err
	}
	if f.tsa != "" {
		response, err := c.timeStamp(ctx, f.tsa, signature)
		if err != nil {
			return err
		}
		files = append(files, signedFile{name + ".tsr", response})
	}
	return writeAll(files)
}

// signatureFiles signs. What a time stamp is over is the signature's value: the
// content of .sig, or the octets in the SignerInfo.
func signatureFiles(f *signFlags, name string, document []byte, key *keystore.Key, chain []*x509.Certificate, now time.Time) ([]signedFile, []byte, error) {
	if !f.cms {
		signature, err := signing.Sign(document, key, rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		return []signedFile{{name + ".sig", signature}, {name + ".pem", certificatesPEM(chain...)}}, signature, nil
	}
	der, err := cms.Sign(document, key, chain[0], chain[1:], now, rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	signed, err := cms.Verify(der, document, cms.Options{})
	if err != nil {
		return nil, nil, err
	}
	return []signedFile{{name + ".p7s", der}}, signed.Signature, nil
}

// signerChain reads the worker's certificate and those above it, without the
// root. It refuses what every verifier would.
func (c *certsRun) signerChain(file string) ([]*x509.Certificate, error) {
	data, err := c.readFile(file, maxFileBytes)
	if err != nil {
		return nil, err
	}
	chain, err := parseCertificates(file, data)
	if err != nil {
		return nil, err
	}
	if _, err := signing.CheckLeaf(chain[0]); err != nil {
		return nil, usagef("%s: the first certificate is not a worker's: %w", file, err)
	}
	if now := c.now(); now.Before(chain[0].NotBefore) || now.After(chain[0].NotAfter) {
		return nil, usagef("%s: the certificate is valid from %s to %s, not now", file,
			chain[0].NotBefore.UTC().Format(time.RFC3339), chain[0].NotAfter.UTC().Format(time.RFC3339))
	}
	if pkix.EqualNames(chain[0].RawIssuer, chain[0].RawSubject) {
		return nil, usagef("%s: the worker's certificate is its own issuer: want one that a CA issued", file)
	}
	var out []*x509.Certificate
	for i, cert := range chain {
		if i > 0 && !pkix.EqualNames(chain[i-1].RawIssuer, cert.RawSubject) {
			return nil, usagef("%s: certificate %d is %s, which did not issue the one before it", file, i+1, cert.Subject)
		}
		if !pkix.EqualNames(cert.RawIssuer, cert.RawSubject) {
			out = append(out, cert)
		}
	}
	return out, nil
}

// timeStamp asks an authority for a token over a signature, and checks that it
// is one. Whether the authority is to be trusted is for who verifies.
func (c *certsRun) timeStamp(ctx context.Context, authority string, signature []byte) ([]byte, error) {
	u, err := url.Parse(authority)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("--tsa: want the URL of a time-stamp authority, without user information")
	}
	settings := transport.Config{AllowLoopback: true, UserAgent: "cot/" + version()}
	if c.tune != nil {
		c.tune(&settings)
	}
	client := transport.New(settings)
	defer client.CloseIdle()
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	answer, err := client.Read(ctx, transport.Request{
		What: "time stamp of " + u.Host, Method: http.MethodPost, URL: authority,
		Header: http.Header{"Content-Type": {"application/timestamp-query"}},
		Body:   timestamp.NewRequest(signature, nonce),
	}, timestamp.MaxBytes)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, fmt.Errorf("time stamp: the authority answers with status %d", answer.Status)
	}
	if _, err := timestamp.Parse(answer.Body, signature, nonce); err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// writeAll writes all files or none.
func writeAll(files []signedFile) error {
	for i, f := range files {
		if err := durable.Create(f.name, f.data, 0o644); err != nil {
			for _, done := range files[:i] {
				err = errors.Join(err, os.Remove(done.name))
			}
			return err
		}
	}
	return nil
}

// parseCertificates reads certificates from the content of a file.
func parseCertificates(file string, data []byte) ([]*x509.Certificate, error) {
	if block := privateBlock(data); block != "" {
		return nil, usagef("%s holds a private key (%s), want certificates", file, block)
	}
	list, err := pkix.ParseCertificates(data)
	if err == nil && len(list) == 0 {
		err = errors.New("no certificate in it")
	}
	if err != nil {
		return nil, usagef("%s: %w", file, err)
	}
	return list, nil
}

// privateBlock gives the PEM label of a private key in data, if there is one.
func privateBlock(data []byte) string {
	for line := range bytes.Lines(data) {
		label, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("-----BEGIN "))
		if ok && bytes.HasSuffix(label, []byte("PRIVATE KEY-----")) {
			return string(bytes.TrimSuffix(label, []byte("-----")))
		}
	}
	return ""
}
