package certs

import (
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// DocumentName is the artifact that a worker signs.
const DocumentName = "public/chain-of-trust.json"

// Form is an artifact beside the document that carries signature material.
type Form string

// Forms that a run's listing may have.
const (
	FormSignature Form = DocumentName + ".sig"          // the raw signature
	FormChain     Form = DocumentName + ".pem"          // certificates, leaf first
	FormCMS       Form = DocumentName + ".p7s"          // detached CMS SignedData
	FormTimestamp Form = DocumentName + ".tsr"          // RFC 3161 response
	FormPGP       Form = "public/chainOfTrust.json.asc" // the clear-signed document of 2016 to 2019
)

// Forms are all forms, in the order in which they are looked for.
func Forms() []Form {
	return []Form{FormSignature, FormChain, FormCMS, FormTimestamp, FormPGP}
}

// MaxFormBytes bounds each form.
const MaxFormBytes = 1 << 20

// Signed is a document with every form that its run's listing has. A form
// that is listed but could not be read stands with nil. In an archive a run may
// have no document but a clear-signed one: then Document is nil, and the text
// of that is the document.
type Signed struct {
	Document []byte
	Forms    map[Form][]byte
}

// Worker says which run the document is taken from, as the queue has it.
type Worker struct {
	Implementation graph.Implementation
	Pool           graph.WorkerPool
	WorkerGroup    string
	WorkerID       string
	Started        time.Time
	Resolved       time.Time

	voucher string // no worker at all, but the holder of this identity
}

// Method is a way of signing. The zero value is none.
type Method string

// Methods of signing.
const (
	MethodKey         Method = "key"
	MethodCertificate Method = "certificate"
	MethodCMS         Method = "cms"
	MethodPGP         Method = "pgp"
	// MethodNone is the method of a document that nobody is known to have
	// signed and that the caller accepts all the same.
	MethodNone Method = "none"
)

// TimeSource says where a signing time comes from.
type TimeSource string

// Sources of a signing time.
const (
	TimeFromQueue     TimeSource = "queue"     // the run's resolved time, which an adversary may influence
	TimeFromTimestamp TimeSource = "timestamp" // an RFC 3161 token
)

// Signer says who signed a document, and when.
type Signer struct {
	Method     Method
	Identity   string
	KeyID      KeyID
	SignedAt   time.Time
	TimeSource TimeSource
	// Certificate is ISSUER_KEY_ID:SERIAL, as --distrust takes it; empty where
	// there is none.
	Certificate string
	// NotAfter is when the key, or the first certificate on the path to the root,
	// ends; zero: no end is known.
	NotAfter time.Time
	// RestsOn are the ids of all that the signature needs trust in: its key, its
	// SPIFFE ID, and on the paths of its certificate and of its time stamp's
	// every key and ISSUER_KEY_ID:SERIAL.
	RestsOn []string
}

// Verified is a document whose signature holds and whose signer may sign for
// the worker. Only Trust makes one.
type Verified struct {
	document []byte
	signers  []Signer
	warnings []Failure
	unsigned bool
}

// Bytes are the document's exact bytes. They must not be changed.
func (v Verified) Bytes() []byte { return v.document }

// Signers are all whose signatures hold, at least one.
func (v Verified) Signers() []Signer { return v.signers }

// Warnings are what policy lets pass but a reader should know.
func (v Verified) Warnings() []Failure { return v.warnings }

// AcceptedUnsigned tells that nobody's signature was checked, because the
// caller accepts documents of pools without a published key.
func (v Verified) AcceptedUnsigned() bool { return v.unsigned }

// Cause says what is wrong with a signature; the values are rule ids.
type Cause string

// Causes of a Failure.
const (
	SignatureMissing   Cause = "signature-missing"
	SignatureInvalid   Cause = "signature-invalid"
	SignerUnauthorized Cause = "signer-unauthorized"
	CertificatePath    Cause = "certificate-path"
	CertificateExpired Cause = "certificate-expired"
	CertificateRevoked Cause = "certificate-revoked"
	RevocationUnknown  Cause = "revocation-unknown"
	TimestampInvalid   Cause = "timestamp-invalid"
)

// Failure is one reason why a document is not vouched for.
type Failure struct {
	Cause   Cause
	Message string
	Want    string
	Got     string
	Hint    string
	Heals   bool // trying again later may help
}
