package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/trace"
)

// bundleForms are what cot-certs sign writes beside a file.
var bundleForms = map[string]certs.Form{
	".sig": certs.FormSignature, ".pem": certs.FormChain, ".p7s": certs.FormCMS, ".tsr": certs.FormTimestamp,
}

// checkSignature gives what is wrong with the signature beside the bundle. It is
// judged as of now, whatever the time that the bundle is judged for: who vouches
// for it does so today. Revocation lists are policy's files, or fresh enough ones
// in the bundle.
func (e *evidenceRun) checkSignature(ctx context.Context, now time.Time, bundle io.ReadSeeker, sum string) ([]trace.Finding, error) {
	s := certs.Signed{Forms: map[certs.Form][]byte{}}
	for suffix, form := range bundleForms {
		data, err := readBeside(e.flags.evidence.offline + suffix)
		if err != nil {
			return nil, err
		}
		if data != nil {
			s.Forms[form] = data
		}
	}
	doubt := func(message, want, got string) trace.Finding {
		f := trace.Finding{
			Message: "the signature beside the bundle does not count: " + message,
			Hint:    "cot-certs sign writes signatures; policy's signers.certificates says under which roots they hold, and by which lists of today they are not revoked",
		}
		if want != "" {
			f.Want = want
		}
		if got != "" {
			f.Got = got
		}
		return f
	}
	if len(s.Forms) == 0 {
		name := e.flags.evidence.offline
		return []trace.Finding{doubt("there is none", fmt.Sprintf("%s.sig and %s.pem, or %s.p7s", name, name, name), "")}, nil
	}
	if _, err := bundle.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var err error
	if s.Document, err = readLimited(bundle, maxDocumentBytes); err != nil {
		return nil, fmt.Errorf("to check its signature: %w", err)
	}
	if got := sha256.Sum256(s.Document); hex.EncodeToString(got[:]) != sum {
		return nil, errors.New("it changed while it was read")
	}
	p := e.policy
	trust, err := certs.New(certs.Config{
		Keys: p.Keys, UnkeyedPools: p.UnkeyedPools, Certificates: p.Certificates, PGP: p.PGP, Archive: true, Require: p.Require,
		Now: now, Sources: e.sources.Revocation,
	})
	if err != nil {
		return nil, err
	}
	_, failures := trust.VerifyVoucher(ctx, s, e.flags.evidence.identity)
	var doubts []trace.Finding
	for _, f := range failures {
		doubts = append(doubts, doubt(f.Message, f.Want, f.Got))
	}
	return doubts, ctx.Err()
}

// readBeside reads a signature's file; nil if there is none.
func readBeside(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readLimited(f, certs.MaxFormBytes)
	if err == nil && len(data) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}
