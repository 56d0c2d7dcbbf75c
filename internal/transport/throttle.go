package transport

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// throttle bounds the requests to one host that are under way, once that host has
// said that there are too many (429, or 503): then as many as it did not refuse.
// Each bound that holds for a while is raised by one. Without it, every request
// would find out for itself, again and again.
type throttle struct {
	most int // from there on there is no bound

	mu      sync.Mutex
	busy    int           // requests under way
	bound   int           // of them; 0: none
	good    int           // answers since the bound was set
	steady  int           // how many answers for each request under way raise the bound
	raised  bool          // the bound was, when it was last set
	until   time.Time     // before that, no request begins
	waiting int           // requests that have not begun
	changed chan struct{} // closed when one of them may begin
}

// What steady is: at first, and after every bound that was raised too soon it
// doubles up to the most.
const (
	fewSteady  = 8
	mostSteady = 1024
)

// throttle gives the host's.
func (c *Client) throttle(host string) *throttle {
	known, ok := c.throttles.Load(host)
	if !ok {
		known, _ = c.throttles.LoadOrStore(host, &throttle{most: c.cfg.Connections, changed: make(chan struct{})})
	}
	t, _ := known.(*throttle)
	return t
}

// enter waits until one more request may begin. leave must follow.
func (t *throttle) enter(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting++
	defer func() { t.waiting-- }()
	for {
		wait := time.Duration(0)
		if !t.until.IsZero() {
			wait = time.Until(t.until)
		}
		if wait <= 0 && (t.bound == 0 || t.busy < t.bound) {
			t.busy++
			return nil
		}
		changed := t.changed
		t.mu.Unlock()
		err := await(ctx, changed, wait)
		t.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// await waits for the end of the time, if there is any, else for the channel.
func await(ctx context.Context, changed <-chan struct{}, wait time.Duration) error {
	var end <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		changed, end = nil, timer.C
	}
	select {
	case <-changed:
	case <-end:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// leave ends a request.
func (t *throttle) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	t.wake()
}

// refused is leave for a request that was one too many. pause is what the host
// asks for.
func (t *throttle) refused(pause time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	switch {
	case t.bound == 0:
		t.steady = fewSteady
	case t.raised:
		t.steady = min(2*t.steady, mostSteady)
	}
	if t.bound == 0 || t.busy < t.bound {
		t.bound = max(1, t.busy)
	}
	t.good, t.raised = 0, false
	if until := time.Now().Add(pause); pause > 0 && until.After(t.until) {
		t.until = until
	}
	t.wake()
}

// answered counts an answer of a host that was not asked too much.
func (t *throttle) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bound == 0 {
		return
	}
	if t.good++; t.good < t.steady*t.bound {
		return
	}
	if t.raised { // it held
		t.steady = fewSteady
	}
	t.good, t.raised = 0, true
	if t.bound++; t.bound >= t.most {
		t.bound = 0
	}
	t.wake()
}

func (t *throttle) wake() {
	if t.waiting > 0 {
		close(t.changed)
		t.changed = make(chan struct{})
	}
}

// judge tells the throttle of an answer, and whether the request is over for it.
func (x *exchange) judge(t *throttle, resp *http.Response) (over bool) {
	busy := resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable
	switch {
	case busy && x.retriable(resp):
		pause, _ := retryAfter(resp.Header.Get("Retry-After"), time.Now())
		t.refused(min(pause, x.client.cfg.MaxRetryAfter))
		return true
	case !busy && resp.StatusCode < http.StatusInternalServerError:
		t.answered()
	}
	if !x.whole { // who reads a stream may make other requests meanwhile
		t.leave()
		return true
	}
	return false
}
