package queue

import "github.com/mozilla-releng/cot/trace"

var (
	_ trace.Tasks     = (*Client)(nil)
	_ trace.Artifacts = (*Client)(nil)
	_ trace.Index     = (*Client)(nil)
)
