// Package docs holds the JSON Schemas of what the commands read and write.
package docs

import _ "embed"

// ReportSchema describes a report (JSON Schema 2020-12).
//
//go:embed report.schema.json
var ReportSchema []byte

// PolicySchema describes a policy file (JSON Schema 2020-12).
//
//go:embed policy.schema.json
var PolicySchema []byte
