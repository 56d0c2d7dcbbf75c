// Package reporttest checks reports in tests.
package reporttest

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mozilla-releng/cot/docs"
)

// Valid fails the test if data is not a report as docs/report.schema.json
// describes it.
func Valid(t testing.TB, data []byte) {
	t.Helper()
	if err := Validate(data); err != nil {
		t.Fatalf("the report does not fit its schema: %v\n%s", err, data)
	}
}

// Validate says how data differs from what the schema describes.
func Validate(data []byte) error {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(docs.ReportSchema))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.schema.json", schema); err != nil {
		return err
	}
	compiled, err := c.Compile("report.schema.json")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}
