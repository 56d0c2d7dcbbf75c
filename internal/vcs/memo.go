package vcs

import (
	"context"
	"errors"
	"sync"

	"github.com/mozilla-releng/cot/graph"
)

// memo keeps answers by key; who asks while one is under way shares it. Errors
// are kept only if they would not heal.
type memo[T any] struct {
	mu      sync.Mutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	done   chan struct{}
	answer T
	err    error
}

func (m *memo[T]) do(ctx context.Context, key string, ask func() (T, error)) (T, error) {
	for {
		m.mu.Lock()
		e, ok := m.entries[key]
		if !ok {
			e = &entry[T]{done: make(chan struct{})}
			if m.entries == nil {
				m.entries = map[string]*entry[T]{}
			}
			m.entries[key] = e
		}
		m.mu.Unlock()
		if !ok {
			e.answer, e.err = ask()
			if e.err != nil && !lasting(e.err) {
				m.mu.Lock()
				delete(m.entries, key)
				m.mu.Unlock()
			}
			close(e.done)
			return e.answer, e.err
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
		// The one who asked may have been cancelled; that is not our answer.
		if !cancelled(e.err) {
			return e.answer, e.err
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
