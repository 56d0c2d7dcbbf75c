#!/usr/bin/env python3
"""Signs a chain of trust document, as a worker in Python does.

    sign.py KEY CERT-CHAIN DOCUMENT

writes DOCUMENT.sig and DOCUMENT.pem. KEY is an unencrypted PEM file. Needs the
package cryptography, 40 or later.
"""

import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

ECDSA = {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384()}


def sign(key, document):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(document)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in ECDSA:
        return key.sign(document, ec.ECDSA(ECDSA[key.curve.name]))
    if isinstance(key, rsa.RSAPrivateKey):
        sha256 = hashes.SHA256()
        pss = padding.PSS(padding.MGF1(sha256), salt_length=sha256.digest_size)
        return key.sign(document, pss, sha256)
    sys.exit("want a key of Ed25519, P-256, P-384 or RSA")


def read(name):
    with open(name, "rb") as f:
        return f.read()


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    key_file, chain_file, document_file = sys.argv[1:]
    key = serialization.load_pem_private_key(read(key_file), password=None)
    chain = read(chain_file)
    # A renewed certificate beside the old key would only be noticed downstream.
    leaf = x509.load_pem_x509_certificates(chain)[0]
    if leaf.public_key() != key.public_key():
        sys.exit(f"{key_file} is not the key of the first certificate in {chain_file}")
    write(document_file + ".sig", sign(key, read(document_file)))
    write(document_file + ".pem", chain)


main()
