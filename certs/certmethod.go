package certs

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/signing"
)

// CertificateKeyID is the id of a certificate's key.
func CertificateKeyID(c *x509.Certificate) KeyID {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return KeyID(hex.EncodeToString(sum[:]))
}

// certificateMethod verifies the raw signature under the key of the certificate
// that stands first in the chain beside the document.
type certificateMethod struct {
	authority *authority
	chains    chains
}

func (m *certificateMethod) verify(ctx context.Context, s Signed, w Worker, t instant) verdict {
	chain, sig := s.Forms[FormChain], s.Forms[FormSignature]
	if sig == nil {
		return refused(Failure{
			Cause: SignatureMissing, Message: fmt.Sprintf("%s is there without the signature that it belongs to", FormChain), Want: string(FormSignature),
			Hint: "the worker failed to upload the signature, or somebody deleted it; rerun the task",
		})
	}
	list, err := m.chains.parse(chain)
	if err != nil {
		return refused(Failure{
			Cause: CertificatePath, Message: fmt.Sprintf("%s can't be read: %v", FormChain, err),
			Want: "certificates in PEM, leaf first",
		})
	}
	leaf := list[0]
	if err := signing.CheckKey(leaf.PublicKey); err != nil {
		return refused(pathFailure(fmt.Errorf("%s: %w", pkix.Describe(leaf), err)))
	}
	if err := signing.Verify(s.Document, sig, leaf.PublicKey); err != nil {
		return refused(Failure{
			Cause: SignatureInvalid, Message: fmt.Sprintf("the signature does not verify under the key of %s: %v", pkix.Describe(leaf), err),
			Want: "a signature by key " + string(CertificateKeyID(leaf)),
		})
	}
	return m.authority.judge(ctx, MethodCertificate, leaf, list[1:], w, t)
}

// cmsMethod verifies a detached CMS signature with its certificates inside.
type cmsMethod struct{ authority *authority }

func (m *cmsMethod) verify(ctx context.Context, w Worker, signed *cms.Signed, t instant) verdict {
	return m.authority.judge(ctx, MethodCMS, signed.Signer, signed.Certificates, w, t)
}

// judge decides whether a certificate's holder may sign for the worker at the
// time; that the holder did sign is known.
func (a *authority) judge(ctx context.Context, method Method, leaf *x509.Certificate, others []*x509.Certificate, w Worker, at instant) verdict {
	id, failure := identityOf(leaf, a.TrustDomain)
	if failure == nil {
		failure = a.authorized(id, w)
	}
	t := table{signed: at, now: a.now, trusted: a.trusted}
	path, warnings, failures := a.workers.judge(ctx, leaf, distinct(others), t, func(p pkix.Path) *Failure { return a.limited(p, w) })
	if err := checkWorkerLeaf(leaf); err != nil && len(failures) == 0 {
		failures = append(failures, pathFailure(err))
	}
	if failure != nil {
		failures = append(failures, *failure)
	}
	if len(failures) > 0 {
		return refused(failures...)
	}
	return verdict{warnings: warnings, signer: &Signer{
		Method: method, Identity: id.String(), KeyID: CertificateKeyID(leaf), SignedAt: at.at, TimeSource: at.source,
		Certificate: certificateID(path.Certificates(), 0), NotAfter: endOf(path.Certificates()),
		RestsOn: append(append(idsOf(path.Certificates()), id.String()), at.restsOn...),
	}}
}

// endOf is when the first of the certificates ends.
func endOf(path []*x509.Certificate) time.Time {
	end := path[0].NotAfter
	for _, c := range path[1:] {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

// idsOf names every key of a path, and every certificate but the root.
func idsOf(path []*x509.Certificate) []string {
	var ids []string
	for i, c := range path {
		ids = append(ids, string(CertificateKeyID(c)))
		if i+1 < len(path) {
			ids = append(ids, certificateID(path, i))
		}
	}
	return ids
}

// checkWorkerLeaf holds a leaf to what path validation leaves open of the
// profile.
func checkWorkerLeaf(c *x509.Certificate) error {
	switch {
	case c.IsCA:
		return errors.New("a CA's certificate signs no documents: want CA:FALSE")
	case c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("its key usage lacks digitalSignature")
	}
	return nil
}

// certificateID names a path's certificate as --distrust does,
// ISSUER_KEY_ID:SERIAL.
func certificateID(path []*x509.Certificate, i int) string {
	return string(CertificateKeyID(path[i+1])) + ":" + path[i].SerialNumber.Text(16)
}

// maxKeptBytes bounds a chain that is kept; usual ones have 2 to 6 KiB. Nobody
// has signed it yet.
const maxKeptBytes = 16 << 10

// chains keeps parsed chains: every document of a worker comes with the same.
type chains struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte][]*x509.Certificate
}

func (k *chains) parse(data []byte) ([]*x509.Certificate, error) {
	key := sha256.Sum256(data)
	k.mu.Lock()
	list := k.kept[key]
	k.mu.Unlock()
	if list != nil {
		return list, nil
	}
	list, err := pkix.ParseCertificates(data)
	if err != nil {
		return nil, err
	}
	if len(list) > cms.MaxCertificates {
		return nil, fmt.Errorf("%d certificates, more than the limit of %d", len(list), cms.MaxCertificates)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		k.kept = map[[sha256.Size]byte][]*x509.Certificate{}
	}
	if len(k.kept) < maxKept && len(data) <= maxKeptBytes {
		k.kept[key] = list
	}
	return list, nil
}
