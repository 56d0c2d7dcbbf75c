package trace

import "fmt"

// safe makes a panic an error: on a goroutine of its own nothing above could
// recover it, and the process would end with an exit code that means something
// else.
func safe(f func() error) func() error {
	return func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("internal error: %v; please report it", p)
			}
		}()
		return f()
	}
}
