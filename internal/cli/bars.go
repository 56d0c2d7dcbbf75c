package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// bars show each download on a terminal, and below them the total.
type bars struct {
	pool *mpb.Progress
	once sync.Once

	mu    sync.Mutex
	tasks int
	total *mpb.Bar
	each  map[int]*mpb.Bar
	count tally
	said  time.Time // when waiting was last shown
}

const (
	nameWidth = 32
	lastBar   = 1 << 30 // priority of the total
)

func newBars(w io.Writer) *bars {
	b := &bars{pool: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithAutoRefresh()), each: map[int]*mpb.Bar{}}
	b.total = b.pool.New(0, mpb.NopStyle(), mpb.BarPriority(lastBar), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.status() })))
	return b
}

// status is the last line.
func (b *bars) status() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count.files == 0 {
		return fmt.Sprintf("verifying: %d tasks looked at", b.tasks)
	}
	return b.count.String()
}

// waiting shows at once, above the bars, what is waited for; of many waits at a
// time, one.
func (b *bars) waiting(why error, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.said) < plainInterval {
		return
	}
	b.said = time.Now()
	d := delay{why, wait}
	_, _ = fmt.Fprintln(b.pool, report.Clean(strings.TrimPrefix(d.take(), "; ")))
}

func (b *bars) traced(e trace.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Kind == "task" {
		b.tasks++
	}
}

func (b *bars) fetched(artifacts int, doing string) func(download.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count = newTally(artifacts, doing)
	return b.event
}

func (b *bars) event(e download.Event) {
	b.mu.Lock()
	b.count.add(e)
	bar := b.each[e.Index]
	b.mu.Unlock()
	switch e.Kind {
	case download.Started:
		b.start(e)
	case download.Progress, download.Retrying:
		if bar != nil {
			if e.Total > 0 {
				bar.SetTotal(e.Total, false)
			}
			bar.SetCurrent(e.Bytes)
		}
	case download.Done, download.Kept, download.Failed:
		if bar != nil {
			bar.Abort(true)
		}
		b.mu.Lock()
		delete(b.each, e.Index)
		b.mu.Unlock()
	}
}

func (b *bars) start(e download.Event) {
	name := []rune(report.Clean(e.Path))
	if len(name) > nameWidth {
		name = append([]rune("..."), name[len(name)-nameWidth+3:]...)
	}
	bar := b.pool.New(max(e.Total, 0), mpb.BarStyle(), mpb.BarPriority(e.Index),
		mpb.PrependDecorators(decor.Name(string(name), decor.WC{W: nameWidth + 1, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f"), decor.Name("  "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f")))
	b.mu.Lock()
	b.each[e.Index] = bar
	b.mu.Unlock()
}

func (b *bars) stop() {
	b.once.Do(func() {
		b.mu.Lock()
		open := make([]*mpb.Bar, 0, len(b.each))
		for _, bar := range b.each {
			open = append(open, bar)
		}
		b.mu.Unlock()
		for _, bar := range open {
			bar.Abort(true)
		}
		b.total.Abort(true)
		b.pool.Wait()
	})
}
