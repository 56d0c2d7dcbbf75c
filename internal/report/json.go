// Package report writes trace reports: JSON for programs, text for people. It
// decides nothing; what it shows is in the report.
package report

import (
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace"
)

// JSON writes the report as one indented object, docs/report.schema.json.
// Equal reports give equal bytes; lists that are empty are written as [].
func JSON(w io.Writer, r *trace.Report) error {
	b, err := json.Marshal(r, jsonOptions, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = w.Write(append(CleanJSON(b), '\n'))
	return err
}

// writeNumber keeps a compared number as it was written; a number that JSON
// has no form for stays text.
func writeNumber(enc *jsontext.Encoder, n strictjson.Number) error {
	if v := jsontext.Value(n); v.IsValid() && v.Kind() == '0' {
		return enc.WriteValue(v)
	}
	return enc.WriteToken(jsontext.String(string(n)))
}
