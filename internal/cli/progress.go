package cli

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// progress shows what is under way. Its callbacks are called from several
// goroutines at once.
type progress interface {
	traced(trace.Event)
	fetched(artifacts int, doing string) func(download.Event)
	waiting(why error, wait time.Duration)
	stop() // may be called again; nothing is shown afterwards
}

func (c *common) newProgress(s IO, name string) progress {
	switch {
	case c.progress == "none" || c.quiet:
		return silent{}
	case c.progress == "auto" && terminal(s.Stderr) && s.env("TERM") != "dumb":
		return newBars(s.Stderr)
	}
	return newPlain(s.Stderr, name, plainInterval)
}

type silent struct{}

func (silent) traced(trace.Event)                       {}
func (silent) fetched(int, string) func(download.Event) { return nil }
func (silent) waiting(error, time.Duration)             {}
func (silent) stop()                                    {}

// plainInterval is how often a log gets a line.
const plainInterval = 5 * time.Second

// plain writes a line now and then.
type plain struct {
	w      io.Writer
	name   string
	ticker *time.Ticker
	done   chan struct{}
	ended  sync.WaitGroup
	once   sync.Once

	mu    sync.Mutex
	tasks int // looked at
	count tally
	delay delay
	told  map[string]bool // hosts whose first trouble was said
	again retries         // that were not
}

// maxTold bounds the hosts whose first trouble is said at once.
const maxTold = 10

// retries of downloads since the last line.
type retries struct {
	n    int
	path string // of the last
	why  error
}

func newPlain(w io.Writer, name string, every time.Duration) *plain {
	p := &plain{w: w, name: name, told: map[string]bool{}, ticker: time.NewTicker(every), done: make(chan struct{})}
	p.ended.Go(func() {
		for {
			select {
			case <-p.ticker.C:
				p.line()
			case <-p.done:
				return
			}
		}
	})
	return p
}

func (p *plain) traced(e trace.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Kind == "task" {
		p.tasks++
	}
}

func (p *plain) fetched(artifacts int, doing string) func(download.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count = newTally(artifacts, doing)
	return func(e download.Event) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.count.add(e)
		if e.Kind == download.Retrying && e.Err != nil {
			p.retrying(e)
		}
	}
}

// retrying says wrong bytes at once, and what breaks connections once for each
// host; what comes after that is counted in the next line.
func (p *plain) retrying(e download.Event) {
	var mismatch *download.MismatchError
	if host := hostIn(e.Err); !errors.As(e.Err, &mismatch) {
		if p.told[host] || len(p.told) >= maxTold {
			p.again = retries{p.again.n + 1, e.Path, e.Err}
			return
		}
		p.told[host] = true
	}
	say(p.w, p.name, fmt.Sprintf("%s: trying again: %s", e.Path, why(e.Err)))
}

var urlHost = regexp.MustCompile(`https?://([^/ ]+)`)

// hostIn gives the host that an error's text is about; empty if it names none.
func hostIn(err error) string {
	if m := urlHost.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return ""
}

// why is a short reason for trying again. After one fetch, who spoiled the
// bytes is not known.
func why(err error) string {
	var mismatch *download.MismatchError
	if errors.As(err, &mismatch) {
		return "other bytes came than its worker made"
	}
	return err.Error()
}

func (p *plain) line() {
	p.mu.Lock()
	defer p.mu.Unlock()
	doing := fmt.Sprintf("verifying: %d tasks looked at", p.tasks)
	if p.count.files > 0 {
		doing = p.count.String()
	}
	if n := p.again.n; n > 0 {
		times := "1 more retry"
		if n > 1 {
			times = fmt.Sprintf("%d more retries", n)
		}
		doing += fmt.Sprintf("; %s, the last of %s: %s", times, p.again.path, why(p.again.why))
		p.again = retries{}
	}
	if n := p.again.n; n > 0 {
		times := "1 more retry"
		if n > 1 {
			times = fmt.Sprintf("%d more retries", n)
		}
		doing += fmt.Sprintf("; %s, the last of %s: %s", times, p.again.path, why(p.again.why))
		p.again = retries{}
	}
	say(p.w, p.name, doing+p.delay.take())
}

func (p *plain) waiting(why error, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay{why, wait}
}

// delay is the newest reason why something takes longer.
type delay struct {
	why  error
	wait time.Duration
}

// take gives the words for it, once: later lines are about later delays.
func (d *delay) take() string {
	if d.why == nil {
		return ""
	}
	s := fmt.Sprintf("; trying again in %s: %v", d.wait.Round(time.Second), d.why)
	*d = delay{}
	return s
}

func (p *plain) stop() {
	p.once.Do(func() {
		p.ticker.Stop()
		close(p.done)
	})
	p.ended.Wait()
}

// tally counts what a download has done.
type tally struct {
	doing        string // the word for it
	files, ended int
	bytes        int64
	each         []int64 // received so far, by item
}

func newTally(files int, doing string) tally {
	return tally{doing: doing, files: files, each: make([]int64, files)}
}

// add counts an event; a download that begins anew takes its bytes back.
func (t *tally) add(e download.Event) {
	if e.Index < 0 || e.Index >= len(t.each) {
		return
	}
	switch e.Kind {
	case download.Done, download.Kept, download.Failed:
		t.ended++
	case download.Started, download.Progress, download.Retrying:
		t.bytes += e.Bytes - t.each[e.Index]
		t.each[e.Index] = e.Bytes
	}
}

func (t *tally) String() string {
	return fmt.Sprintf("%s: %d of %d files, %s", t.doing, t.ended, t.files, report.Size(t.bytes))
}
