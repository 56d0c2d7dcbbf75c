// Package certs decides who signed a chain of trust document: signed bytes,
// trust material and a time in, a Signer out.
//
// It is the only maker of a Verified document. Nothing is fetched, and the
// document's content is not looked at; that is for package trace.
package certs
