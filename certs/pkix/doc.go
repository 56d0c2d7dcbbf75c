// Package pkix decides whether a certificate's path to a root holds as RFC 5280
// §6.1 has it: bytes and trust material in, paths out.
//
// Certificates are parsed by crypto/x509, whose own Verify is not used: names,
// name constraints, policies, signatures and the building of paths are here.
// Time and revocation are left to the caller, who asks a Path for its window.
// All certificates but the roots are hostile: what they cost is bounded by their
// number and size, whatever they say.
package pkix
