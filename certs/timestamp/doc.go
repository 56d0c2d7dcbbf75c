// Package timestamp makes requests for RFC 3161 time stamps and checks the
// responses: that an authority's key signed a time together with the digest of
// a message.
//
// It stands on package cms, whose comment says why not on others' CMS;
// tspclient-go moreover takes any one of several signers and knows only
// ESSCertIDv2, and digitorus/timestamp looks at no certificate id.
//
// Whose key that is remains open: the caller validates the signer's certificate,
// at the token's time, with pkix.TimeStamping.
package timestamp
