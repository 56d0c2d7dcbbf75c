// Package cms verifies and makes CMS SignedData (RFC 5652) with exactly one
// signer: detached signatures over a document, and the signed content that time
// stamps are made of.
//
// It reads DER itself, over golang.org/x/crypto/cryptobyte: smallstep/pkcs7,
// digitorus/pkcs7 and tspclient-go first turn BER into DER, hash attributes that
// they encode anew, take the first of several attributes of one type and any
// number of signers, and none of them knows both RSA-PSS and Ed25519.
//
// Only the signature is judged. Whose certificate it is, and whether to trust
// it, is for the caller.
package cms
