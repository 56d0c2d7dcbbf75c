package revocation

import (
	"context"
	"sync"
)

// once makes a value for a key one time, however many ask at the same time. A
// failure is kept like a value, unless the context of who made it had ended.
type once[K comparable, V any] struct {
	mu     sync.Mutex
	places map[K]*place[V]
}

type place[V any] struct {
	turn  chan struct{} // holds one element while somebody is at it
	done  bool
	value V
	err   error
}

func (o *once[K, V]) do(ctx context.Context, key K, produce func() (V, error)) (V, error) {
	o.mu.Lock()
	if o.places == nil {
		o.places = map[K]*place[V]{}
	}
	p := o.places[key]
	if p == nil {
		p = &place[V]{turn: make(chan struct{}, 1)}
		o.places[key] = p
	}
	o.mu.Unlock()
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
	defer func() { <-p.turn }()
	if p.done {
		return p.value, p.err
	}
	value, err := produce()
	if ctx.Err() == nil {
		p.done, p.value, p.err = true, value, err
	}
	return value, err
}
