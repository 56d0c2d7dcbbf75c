package vcs

import (
	"context"
	"errors"
	"sync"

	"github.com/mozilla-releng/cot/graph"
)

// memo keeps answers by key; who asks while one is under way shares it. Errors
// are kept only if they would not heal.
type memo struct {
	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	done chan struct{}
	data []byte
	err  error
}

func (m *memo) do(ctx context.Context, key string, ask func() ([]byte, error)) ([]byte, error) {
	for {
		m.mu.Lock()
		e, ok := m.entries[key]
		if !ok {
			e = &entry{done: make(chan struct{})}
			if m.entries == nil {
				m.entries = map[string]*entry{}
			}
			m.entries[key] = e
		}
		m.mu.Unlock()
		if !ok {
			e.data, e.err = ask()
			if e.err != nil && !lasting(e.err) {
				m.mu.Lock()
				delete(m.entries, key)
				m.mu.Unlock()
			}
			close(e.done)
			return e.data, e.err
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// The one who asked may have been cancelled; that is not our answer.
		if !cancelled(e.err) {
			return e.data, e.err
		}
	}
}

func lasting(err error) bool {
	var u *graph.UnavailableError
	return errors.As(err, &u) && !u.Reason.Heals()
}

func cancelled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
