// Package signing is the worker's side of the methods certificate and cms: what
// a worker's certificate and key must be, and the signature over a document.
//
// A worker needs nothing else of this module. Keys come in as crypto.Signer, so
// they may live in a file, a cloud's key service or a token.
package signing
