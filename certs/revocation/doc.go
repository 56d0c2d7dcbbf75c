// Package revocation says what certificate revocation lists (RFC 5280 §5) and
// OCSP responders (RFC 6960) know of a certificate.
//
// It trusts the roots of a pkix.Pool and nothing else: every list and every
// answer is hostile until its signer has a path to the root of the certificate
// in question. What is not understood (a critical extension, a scope) never
// makes a certificate good. Nothing is fetched but through Sources, and time is
// a value of Config.
//
// Lists are read by a walk of our own: crypto/x509 and encoding/asn1 make
// objects of every entry, 700 MB for a list of a million. What an OCSP answer
// says is read here too: golang.org/x/crypto/ocsp gives neither the raw
// signature algorithm nor the hashes of the issuer that a responder answers
// for, and looks only at the first of its certificates.
package revocation
