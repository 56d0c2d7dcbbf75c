package cli

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
)

// leaf reads the certificate to verify and what follows it in its file. One
// that is malformed is a verdict, not the caller's mistake.
func (c *certsRun) leaf(name string) (*x509.Certificate, []*x509.Certificate, error) {
	data, err := c.readFile(name, maxFileBytes)
	if err != nil {
		return nil, nil, err
	}
	list, bad := hostileCertificates(data)
	if bad != nil {
		return nil, nil, refusef("%s: %v", name, bad)
	}
	return list[0], list[1:], nil
}

// crls reads revocation lists. One that is malformed counts as one that is not
// there, unless lists that are not there pass.
func (c *certsRun) crls(f *certsVerifyFlags) ([]*revocation.CRL, error) {
	var all []*revocation.CRL
	for _, name := range f.crls {
		data, err := c.readFile(name, maxFileBytes)
		if err != nil {
			return nil, err
		}
		list, bad := hostile(data, revocation.MaxCRLs, revocation.ParseCRLs)
		switch {
		case bad != nil && !f.requireCRL:
			return nil, refusef("%s: %v", name, bad)
		case bad != nil:
			c.note("%s: passed over: %v", name, bad)
		}
		all = append(all, list...)
	}
	return all, nil
}

func hostileCertificates(data []byte) ([]*x509.Certificate, error) {
	return hostile(data, pkix.MaxCertificates, pkix.ParseCertificates)
}

// hostile reads what of a file can be read, block by block where that is PEM.
// The error is about the first that can't be; less than all may be there with it.
func hostile[T any](data []byte, limit int, parse func([]byte) ([]T, error)) ([]T, error) {
	all, bad := parse(data)
	if bad == nil && len(all) == 0 {
		bad = errors.New("nothing in it")
	}
	if bad == nil || bytes.HasPrefix(data, []byte{0x30}) {
		return all, bad
	}
	all = nil
	for rest := data; len(all) < limit; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if list, err := parse(pem.EncodeToMemory(block)); err == nil {
			all = append(all, list...)
		}
	}
	return all, bad
}
