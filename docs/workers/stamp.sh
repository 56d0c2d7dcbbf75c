#!/bin/sh
# Has an authority stamp the time of a signature (RFC 3161):
#
#   stamp.sh URL DOCUMENT
#
# asks for a time stamp over DOCUMENT.sig and writes the answer, as it comes, to
# DOCUMENT.tsr. Needs openssl and curl.
set -eu
if [ $# -ne 2 ]; then
  echo 'usage: stamp.sh URL DOCUMENT' >&2
  exit 2
fi
url=$1 document=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

openssl ts -query -data "$document.sig" -sha256 -cert -out "$work/query"
curl --fail --silent --show-error --retry 3 --max-time 60 \
  --header 'Content-Type: application/timestamp-query' --data-binary @"$work/query" \
  --output "$work/reply" "$url"
# An answer may also say that the authority refuses.
if ! openssl ts -reply -in "$work/reply" -text | grep -q '^Status: Granted'; then
  echo "$url: no time stamp in the answer" >&2
  exit 1
fi
cat "$work/reply" > "$document.tsr"
