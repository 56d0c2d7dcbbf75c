package render

import (
	"context"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// What one rendering may use up. Real templates use a thousandth.
const (
	budgetNodes = 1_000_000
	budgetBytes = 64 << 20
	// budgetWork bounds what the library goes over unasked: it copies and looks
	// at the whole context at each $let and each turn of a loop, which costs
	// workEach even if the context is empty. This is a few seconds.
	budgetWork = 20_000_000
	workEach   = 1000
)

var errTooLarge = errors.New("the template is too expensive to render: it yields or goes over too much")

// A budget is one rendering's. The library can't be interrupted; but it calls
// a hook for each expression and each turn of a loop, and a hook that finds
// the budget used up or the time over panics with a failure.
type budget struct {
	ctx                context.Context
	nodes, bytes, work int
	// inContext is how many nodes the context has, at most.
	inContext int
	// expressions are the template's; current is the one being evaluated, or -1.
	expressions []string
	current     int
	// loops are what the loops being rendered go over, the innermost last.
	loops []any
}

// A failure is what a hook panics with: it passes the library unchanged and at
// once, where an error would be written out with all the template around it.
type failure struct{ error }

func fail(err error) { panic(failure{err}) }

func failf(format string, args ...any) { fail(fmt.Errorf(format, args...)) }

func (b *budget) expression(source string) int {
	b.expressions = append(b.expressions, source)
	return len(b.expressions) - 1
}

func (b *budget) spend(nodes, bytes int) {
	b.nodes += nodes
	b.bytes += bytes
	if b.nodes > budgetNodes || b.bytes > budgetBytes {
		fail(errTooLarge)
	}
	if b.ctx.Err() != nil {
		fail(errTime(b.ctx))
	}
}

func errTime(ctx context.Context) error {
	return fmt.Errorf("rendering took too long: %w", context.Cause(ctx))
}

// value spends v's size times n.
func (b *budget) value(n int, v any) {
	nodes, bytes, err := size(v)
	if err != nil {
		fail(err)
	}
	b.spend(n*nodes, n*bytes)
}

// lookAround spends what the library does with a context that v was added to.
func (b *budget) lookAround(v any) {
	nodes, _, err := size(v)
	if err != nil {
		fail(err)
	}
	if b.work += workEach + b.inContext + nodes; b.work > budgetWork {
		fail(errTooLarge)
	}
	b.spend(0, 0)
}

// size counts the values in v and the bytes of its texts; what is too large,
// too deep or not JSON is an error.
func size(v any) (nodes, bytes int, err error) {
	var walk func(v any, depth int) error
	walk = func(v any, depth int) error {
		if nodes++; depth > maxDepth || nodes > maxNodes || bytes > maxTextBytes {
			return fmt.Errorf("a value is too deep or too large: the limits are %d levels, %d values and %d bytes", maxDepth, maxNodes, maxTextBytes)
		}
		switch v := v.(type) {
		case string:
			bytes += len(v)
			if !utf8.ValidString(v) {
				return errors.New("a text is not UTF-8")
			}
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return errors.New("a number is infinite or not a number")
			}
		case []any:
			for _, e := range v {
				if err := walk(e, depth+1); err != nil {
					return err
				}
			}
		case map[string]any:
			for k, e := range v {
				bytes += len(k)
				if !utf8.ValidString(k) {
					return errors.New("a key is not UTF-8")
				}
				if err := walk(e, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err = walk(v, 0)
	return nodes, bytes, err
}
