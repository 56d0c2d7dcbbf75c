#!/bin/sh
# Signs a chain of trust document as CMS with the openssl command, 3.0 or later:
#
#   sign-cms.sh KEY CERT-CHAIN DOCUMENT
#
# writes DOCUMENT.p7s, with the certificates inside. KEY is an unencrypted PEM
# file of P-256, P-384 or RSA: OpenSSL 3.0 can't make CMS with Ed25519.
set -eu
if [ $# -ne 3 ]; then
  echo 'usage: sign-cms.sh KEY CERT-CHAIN DOCUMENT' >&2
  exit 2
fi
# -certfile has the signer's certificate too, and openssl refuses one that comes
# twice: -nocerts keeps it from adding another.
openssl cms -sign -binary -in "$3" -inkey "$1" -signer "$2" -nocerts -certfile "$2" \
  -outform DER -out "$3.p7s"
