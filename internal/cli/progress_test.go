package cli

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/trace"
)

func TestALogSaysOnceWhatIsWaitedFor(t *testing.T) {
	var out bytes.Buffer
	p := newPlain(&out, "cot-download", time.Hour)
	p.traced(trace.Event{Kind: "task"})
	p.line()
	p.waiting(errors.New("an older reason"), time.Second)
	p.waiting(errors.New("the pushlog: server error (status 503)\x1b[2J"), 2*time.Second)
	p.line()
	p.line()
	p.stop()
	const want = `cot-download: verifying: 1 tasks looked at
cot-download: verifying: 1 tasks looked at; trying again in 2s: the pushlog: server error (status 503)\x1b[2J
cot-download: verifying: 1 tasks looked at
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
