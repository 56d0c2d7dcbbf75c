package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/spf13/pflag"

	"github.com/mozilla-releng/cot/certs/signing"
	"github.com/mozilla-releng/cot/internal/keystore"
	"github.com/mozilla-releng/cot/trace"
)

// signingFlags say by which key statements are signed.
type signingFlags struct {
	file, passphraseFile string
	key                  *keystore.Key // nil: they are not
}

func (f *signingFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "sign", "", "sign the statement (vsa, svr) with the key in `FILE`: a DSSE envelope")
	fs.StringVar(&f.passphraseFile, "passphrase-file", "", "the passphrase of that key is the first line of `FILE`, or of - (standard input)")
}

// open reads the key, before anything is verified.
func (f *signingFlags) open(ctx context.Context, s IO) error {
	switch {
	case f.file == "" && f.passphraseFile != "":
		return usagef("--passphrase-file is that of the key that --sign names")
	case f.file == "":
		return nil
	case keystore.IsURI(f.file):
		return usagef("--sign %s: want a file; of keys by URI, write the statement unsigned and sign it where they are", keystore.Redact(f.file))
	}
	key, err := (&certsRun{IO: s}).openKey(ctx, f.file, f.passphraseFile)
	if err != nil {
		return usagef("--sign: %w", err)
	}
	if err := signing.CheckKey(key.Public()); err != nil {
		return usagef("--sign %s: %w", f.file, err)
	}
	f.key = key
	return nil
}

// statementType is the media type of an in-toto statement.
const statementType = "application/vnd.in-toto+json"

// attest writes a statement; signed, if there is a key.
func (c *common) attest(w io.Writer, r *trace.Report, write func(io.Writer, *trace.Report) error) error {
	if c.signing.key == nil {
		return write(w, r)
	}
	var statement bytes.Buffer
	if err := write(&statement, r); err != nil {
		return err
	}
	envelope, err := seal(statement.Bytes(), c.signing.key)
	if err != nil {
		return err
	}
	_, err = w.Write(envelope)
	return err
}

// envelope is a DSSE envelope, version 1.
type envelope struct {
	PayloadType string              `json:"payloadType"`
	Payload     []byte              `json:"payload"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// seal signs a statement as DSSE has it: Ed25519 as it is, ECDSA in ASN.1, RSA
// with PSS. The key id is that of reports: the SHA-256 of the
// SubjectPublicKeyInfo.
func seal(statement []byte, key *keystore.Key) ([]byte, error) {
	signature, err := signing.Sign(preAuthentication(statementType, statement), key, rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(public)
	out, err := json.Marshal(envelope{
		PayloadType: statementType, Payload: statement,
		Signatures: []envelopeSignature{{KeyID: hex.EncodeToString(id[:]), Sig: signature}},
	})
	return append(out, '\n'), err
}

// preAuthentication is DSSE's PAE(type, body): what is signed.
func preAuthentication(kind string, body []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(body), body)
}
