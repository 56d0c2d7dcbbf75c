// Package timestamp makes requests for RFC 3161 time stamps and checks the
// responses: that an authority's key signed a time together with the digest of
// a message.
//
// It stands on package cms, not on tspclient-go or digitorus/timestamp, whose
// CMS is not strict enough (see there) and which take any one of several signers
// (tspclient-go) or compare no certificate id (digitorus).
//
// Whose key that is remains open: the caller validates the signer's certificate,
// at the token's time, with pkix.TimeStamping.
package timestamp
