package timestamp

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/cms"
)

// MaxBytes bounds a response.
const MaxBytes = cms.MaxBytes

// PKIStatus (RFC 3161 §2.4.2).
const (
	granted         = 0
	grantedWithMods = 1
)

// parseResponse reads (RFC 3161 §2.4.2)
//
//	TimeStampResp ::= SEQUENCE {
//	  status PKIStatusInfo,
//	  timeStampToken TimeStampToken OPTIONAL }
//
// and gives the token of one that was granted.
func parseResponse(der []byte) (*cms.Message, error) {
	if len(der) > MaxBytes {
		return nil, fmt.Errorf("%d bytes, want at most %d", len(der), MaxBytes)
	}
	in := cryptobyte.String(der)
	var body, status, token cryptobyte.String
	if !in.ReadASN1(&body, tag.SEQUENCE) || !body.ReadASN1(&status, tag.SEQUENCE) {
		return nil, errors.New("not a TimeStampResp in DER")
	}
	if !in.Empty() {
		return nil, fmt.Errorf("%d bytes after the end", len(in))
	}
	if err := checkStatus(status); err != nil {
		return nil, err
	}
	if body.Empty() {
		return nil, errors.New("granted, but without a token")
	}
	if !body.ReadASN1Element(&token, tag.SEQUENCE) || !body.Empty() {
		return nil, errors.New("malformed TimeStampResp")
	}
	return cms.ParseDER(token)
}

// checkStatus reads
//
//	PKIStatusInfo ::= SEQUENCE {
//	  status PKIStatus,
//	  statusString PKIFreeText OPTIONAL,
//	  failInfo PKIFailureInfo OPTIONAL }
//
// and gives what an authority says that did not grant the time stamp.
func checkStatus(in cryptobyte.String) error {
	var status int
	var text cryptobyte.String
	var hasText bool
	var fail asn1.BitString
	if !in.ReadASN1Integer(&status) || !in.ReadOptionalASN1(&text, &hasText, tag.SEQUENCE) {
		return errors.New("malformed PKIStatusInfo")
	}
	hasFail := !in.Empty()
	if hasFail && !in.ReadASN1BitString(&fail) || !in.Empty() {
		return errors.New("malformed PKIStatusInfo")
	}
	said, ok := freeText(text)
	if !ok || hasText && said == "" {
		return errors.New("malformed PKIStatusInfo")
	}
	if (status == granted || status == grantedWithMods) && !hasFail {
		return nil
	}
	name := "unknown status"
	if names := []string{"granted", "granted with modifications", "rejection", "waiting", "revocation warning", "revocation"}; status >= 0 && status < len(names) {
		name = names[status]
	}
	err := fmt.Sprintf("not granted: the authority answers %d (%s)", status, name)
	if why := failures(fail); why != "" {
		err += ", " + why
	}
	if said != "" {
		err += ": " + said
	}
	return errors.New(err)
}

// freeText gives PKIFreeText, SEQUENCE OF UTF8String, quoted and cut.
func freeText(in cryptobyte.String) (string, bool) {
	var all []string
	for !in.Empty() {
		var s cryptobyte.String
		if !in.ReadASN1(&s, tag.UTF8String) || len(all) == 16 {
			return "", false
		}
		all = append(all, fmt.Sprintf("%.100q", []byte(s)))
	}
	return strings.Join(all, " "), true
}

// failures names the bits of PKIFailureInfo that RFC 3161 §2.4.2 has.
func failures(b asn1.BitString) string {
	var all []string
	for _, f := range []struct {
		bit  int
		name string
	}{
		{0, "badAlg"},
		{2, "badRequest"},
		{5, "badDataFormat"},
		{14, "timeNotAvailable"},
		{15, "unacceptedPolicy"},
		{16, "unacceptedExtension"},
		{17, "addInfoNotAvailable"},
		{25, "systemFailure"},
	} {
		if b.At(f.bit) == 1 {
			all = append(all, f.name)
		}
	}
	return strings.Join(all, ", ")
}

// Parse reads a TimeStampResp (RFC 3161 §2.4.2) in DER and checks the token: it
// is granted, its imprint is that of message by SHA-256, SHA-384 or SHA-512, and
// it is signed by exactly one signer, whose certificate is inside and is the one
// that the signed certificate ids name. The nonce must be the one given; nil is
// not compared, since a stored response is judged without its request.
//
// The signer's certificate is not validated.
func Parse(response, message []byte, nonce *big.Int) (*Token, error) {
	t, err := parse(response, message, nonce)
	if err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	return t, nil
}

func parse(response, message []byte, nonce *big.Int) (*Token, error) {
	m, err := parseResponse(response)
	if err != nil {
		return nil, err
	}
	signed, err := m.VerifyAttached(oidTSTInfo, cms.Options{Keys: cms.AuthorityKeys})
	if err != nil {
		return nil, err
	}
	info, err := parseInfo(signed.Content)
	if err != nil {
		return nil, err
	}
	if err := info.checkImprint(message); err != nil {
		return nil, err
	}
	switch {
	case nonce == nil:
	case info.Nonce == nil:
		return nil, fmt.Errorf("want nonce %x, found none", nonce)
	case info.Nonce.Cmp(nonce) != 0:
		return nil, fmt.Errorf("want nonce %x, found %x", nonce, info.Nonce)
	}
	if err := checkCertificateIDs(signed); err != nil {
		return nil, err
	}
	if err := info.checkAuthority(signed.Signer); err != nil {
		return nil, err
	}
	return &Token{Info: info, Signer: signed.Signer, Certificates: signed.Certificates}, nil
}

// Inspect reads a response for a person to look at. Nothing of it is verified.
func Inspect(response []byte) (Info, *cms.Message, error) {
	m, err := parseResponse(response)
	if err != nil {
		return Info{}, nil, fmt.Errorf("time stamp: %w", err)
	}
	info, err := parseInfo(m.Content)
	if err != nil {
		return Info{}, nil, fmt.Errorf("time stamp: %w", err)
	}
	return info, m, nil
}
