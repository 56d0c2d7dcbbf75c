// Package authority is the CA: keys, what is asked for, and a time in;
// certificates and revocation lists out.
//
// It trusts the keys it is given and checks everything else before it signs:
// the requests' proof of possession, the identity, the profile, and that
// nothing outlives its issuer. What was issued is kept by the caller.
package authority
