#!/bin/sh
# Signs a chain of trust document with the openssl command, 3.0 or later:
#
#   sign.sh KEY CERT-CHAIN DOCUMENT
#
# writes DOCUMENT.sig and DOCUMENT.pem. KEY is an unencrypted PEM file.
set -eu
if [ $# -ne 3 ]; then
  echo 'usage: sign.sh KEY CERT-CHAIN DOCUMENT' >&2
  exit 2
fi
key=$1 chain=$2 document=$3

# A renewed certificate beside the old key would only be noticed downstream.
public=$(openssl pkey -in "$key" -pubout)
leaf=$(openssl x509 -in "$chain" -noout -pubkey)
if [ "$public" != "$leaf" ]; then
  echo "$key is not the key of the first certificate in $chain" >&2
  exit 1
fi

case $(printf '%s\n' "$public" | openssl pkey -pubin -noout -text) in
  ED25519*)
    openssl pkeyutl -sign -rawin -inkey "$key" -in "$document" -out "$document.sig"
    ;;
  *'NIST CURVE: P-256'*)
    openssl dgst -sha256 -sign "$key" -out "$document.sig" "$document"
    ;;
  *'NIST CURVE: P-384'*)
    openssl dgst -sha384 -sign "$key" -out "$document.sig" "$document"
    ;;
  *Modulus:*)
    openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
      -sign "$key" -out "$document.sig" "$document"
    ;;
  *)
    echo 'want a key of Ed25519, P-256, P-384 or RSA' >&2
    exit 1
    ;;
esac
cat "$chain" > "$document.pem"
