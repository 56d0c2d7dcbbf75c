// Package pgp verifies clear-signed OpenPGP messages (RFC 9580 §7) under a ring
// of public keys that somebody else trusts: bytes and a reference time in, the
// signed text and who signed it out.
//
// Only what the chain of trust used from 2016 to 2019 is taken: version 4 keys
// and signatures, one signature a message. When a key had to be valid is for
// the caller to judge.
package pgp
