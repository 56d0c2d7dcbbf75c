{{- /*
A worker's certificate: one SPIFFE ID, code signing, nothing else. Only the name in
the one-time token counts, never what a request asks for. A provisioner's
templateData says which identities it may issue ("identities", a regular expression
for the whole ID) and where the CRL is ("crl", the same URL as crl.idpURL).
*/ -}}
{{- if ne (len .SANs) 1 }}{{ fail "the token must have exactly one name: the worker's SPIFFE ID" }}{{ end }}
{{- $name := index .SANs 0 }}
{{- if or (ne $name.Type "uri") (not (regexMatch (printf "^(?:%s)$" .identities) $name.Value)) }}
{{- fail (printf "this provisioner may not issue %q" $name.Value) }}
{{- end }}
{{- $key := .Insecure.CR.PublicKey }}
{{- if typeIs "*rsa.PublicKey" $key }}
{{- if lt $key.Size 384 }}{{ fail "an RSA key must have 3072 bits" }}{{ end }}
{{- else if typeIs "*ecdsa.PublicKey" $key }}
{{- $bits := $key.Curve.Params.BitSize }}
{{- if not (or (eq $bits 256) (eq $bits 384)) }}{{ fail "an ECDSA key must be on P-256 or P-384" }}{{ end }}
{{- end -}}
{
  "subject": {"commonName": "worker"},
  "uris": [{{ toJson $name.Value }}],
  "basicConstraints": {"isCA": false},
  "keyUsage": ["digitalSignature"],
  "extKeyUsage": ["codeSigning"],
  "crlDistributionPoints": [{{ toJson .crl }}]
}
