// Package castore is a CA's directory on disk:
//
//	index            one line per certificate ever issued, for people too
//	crlnumber        the number of the newest CRL
//	NAME.pem         certificates of the issuers: the root, each intermediate
//	keys/NAME.key    an intermediate's private key, or
//	keys/NAME.uri    where a key service has it
//	certs/SERIAL.pem every certificate issued
//	crl/NAME.crl     the issuer's newest CRL in DER, crl/NAME.pem in PEM
//	lock             held by whoever writes
//
// The root's key is elsewhere. Everything has mode 0600 below a directory of
// mode 0700, is written whole or not at all, and is never overwritten but for
// index, crlnumber and CRLs.
package castore
