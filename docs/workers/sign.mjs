// Signs a chain of trust document, as a worker in Node does:
//
//   node sign.mjs KEY CERT-CHAIN DOCUMENT
//
// writes DOCUMENT.sig and DOCUMENT.pem. KEY is an unencrypted PEM file. Needs
// Node 16 or later and nothing else.

import { constants, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const ecdsa = { prime256v1: 'sha256', secp384r1: 'sha384' };

function signature(key, document) {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return sign(null, document, key);
    case 'ec': {
      const digest = ecdsa[key.asymmetricKeyDetails.namedCurve];
      if (digest) return sign(digest, document, { key, dsaEncoding: 'der' });
      break;
    }
    case 'rsa':
      return sign('sha256', document, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
  }
  throw new Error('want a key of Ed25519, P-256, P-384 or RSA');
}

if (process.argv.length !== 5) {
  console.error('usage: node sign.mjs KEY CERT-CHAIN DOCUMENT');
  process.exit(2);
}
const [keyFile, chainFile, documentFile] = process.argv.slice(2);
const key = createPrivateKey(readFileSync(keyFile));
const chain = readFileSync(chainFile);
// A renewed certificate beside the old key would only be noticed downstream.
if (!new X509Certificate(chain).checkPrivateKey(key)) {
  throw new Error(`${keyFile} is not the key of the first certificate in ${chainFile}`);
}
writeFileSync(`${documentFile}.sig`, signature(key, readFileSync(documentFile)));
writeFileSync(`${documentFile}.pem`, chain);
