package cli

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/internal/report"
)

func (c *certsRun) inspectCommand() *cobra.Command {
	var format string
	cmd := c.command("inspect [flags] FILE...", "Say what a file is, for a person", `Says what certificates, CRLs, signing requests, CMS signatures, time stamps and raw
signatures hold, in PEM or DER. Nothing is verified but that it can be read, and a
signing request's proof of possession. Of a private key only its PEM label is shown.`,
		`  cot-certs inspect worker.pem chain-of-trust.json.sig chain-of-trust.json.tsr

  cot-certs inspect --format json ca/crl/intermediate.crl`,
		-1, func(_ context.Context, args []string) error { return c.inspect(format, args) })
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT`: text or json")
	return cmd
}

// thing is what a file holds: facts in the order in which a person reads them.
type thing struct {
	kind  string
	facts []fact
}

// fact is a name and a string, a number, a bool or a list of strings.
type fact struct {
	name  string
	value any
}

func (t *thing) add(name string, value any) { t.facts = append(t.facts, fact{name, value}) }

// addText adds a text that may be absent.
func (t *thing) addText(name, text string) {
	if text != "" {
		t.add(name, text)
	}
}

func (c *certsRun) inspect(format string, files []string) error {
	if format != "text" && format != "json" {
		return usagef("--format %q: want text or json", format)
	}
	if len(files) == 0 {
		return usagef("name files to inspect")
	}
	type found struct {
		file   string
		things []thing
	}
	var all []found
	for _, name := range files {
		data, err := c.readFile(name, maxFileBytes)
		if err != nil {
			return err
		}
		things, err := identify(data)
		if err != nil {
			return usagef("%s: %w", name, err)
		}
		all = append(all, found{name, things})
	}
	var b bytes.Buffer
	for _, f := range all {
		for _, t := range f.things {
			var err error
			if format == "json" {
				err = t.json(&b, f.file)
			} else {
				t.text(&b, f.file)
			}
			if err != nil {
				return err
			}
		}
	}
	out := b.Bytes()
	if format == "json" {
		out = report.CleanJSON(out)
	}
	_, err := c.Stdout.Write(out)
	return err
}

// text writes one fact a line, with nothing that a terminal obeys.
func (t *thing) text(w io.Writer, file string) {
	fmt.Fprintf(w, "%s: %s\n", report.Clean(file), t.kind)
	for _, f := range t.facts {
		values, ok := f.value.([]string)
		if !ok {
			values = []string{fmt.Sprint(f.value)}
		}
		name := f.name
		for _, v := range values {
			fmt.Fprintf(w, "  %-20s %s\n", name, report.Clean(v))
			name = ""
		}
	}
}

// json writes one object a line: file, kind, then the facts.
func (t *thing) json(w io.Writer, file string) error {
	e := jsontext.NewEncoder(w, jsontext.AllowInvalidUTF8(true))
	write := func(v any) error { return json.MarshalEncode(e, v) }
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, f := range append([]fact{{"file", file}, {"kind", t.kind}}, t.facts...) {
		if err := write(camel(f.name)); err != nil {
			return err
		}
		if err := write(f.value); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

// camel makes a JSON name of a fact's.
func camel(name string) string {
	var b strings.Builder
	for i, word := range strings.Fields(name) {
		if i > 0 && word == strings.ToLower(word) {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
	}
	return b.String()
}

// maxThings bounds what is shown of one file.
const maxThings = 10_000

// identify tells what a file holds, by its PEM labels, or by what its DER can be
// read as.
func identify(data []byte) ([]thing, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("an empty file")
	}
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return identifyDER(data)
	}
	if blocks := bytes.Count(data, []byte("-----BEGIN ")); blocks > maxThings {
		return nil, fmt.Errorf("%d PEM blocks: more than the limit of %d", blocks, maxThings)
	}
	var out []thing
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		t, err := identifyBlock(block)
		if err != nil {
			return nil, fmt.Errorf("PEM block %q: %w", block.Type, err)
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("a malformed PEM block")
	}
	return out, nil
}

func identifyBlock(b *pem.Block) (thing, error) {
	switch {
	case strings.HasSuffix(b.Type, "PRIVATE KEY"):
		t := thing{kind: "a private key, not shown"}
		t.add("label", b.Type)
		return t, nil
	case b.Type == "CERTIFICATE":
		c, err := pkix.ParseCertificate(b.Bytes)
		if err != nil {
			return thing{}, err
		}
		return describeCertificate(c), nil
	case b.Type == "CERTIFICATE REQUEST" || b.Type == "NEW CERTIFICATE REQUEST":
		return describeRequest(b.Bytes)
	case b.Type == "X509 CRL":
		return describeCRL(b.Bytes)
	case b.Type == "CMS" || b.Type == "PKCS7":
		return describeCMS(b.Bytes)
	case b.Type == "PUBLIC KEY":
		return describePublicKey(b.Bytes)
	}
	return thing{}, fmt.Errorf("not a kind of file that is known here")
}

// identifyDER tries one kind after the other: their grammars don't overlap. What
// is none, and as long as a signature, may be one.
func identifyDER(data []byte) ([]thing, error) {
	if list, err := pkix.ParseCertificates(data); err == nil {
		var out []thing
		for _, c := range list {
			out = append(out, describeCertificate(c))
		}
		return out, nil
	}
	for _, describe := range []func([]byte) (thing, error){
		describeCRL, describeRequest, describeCMS, describeTimeStamp, describePublicKey, describeSignature,
	} {
		if t, err := describe(data); err == nil {
			return []thing{t}, nil
		}
	}
	return nil, fmt.Errorf("neither a certificate, CRL, signing request, CMS message, time stamp nor signature in PEM or DER")
}
