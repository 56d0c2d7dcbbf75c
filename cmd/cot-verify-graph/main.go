// Command cot-verify-graph follows tasks back to the commit they were made from.
package main

import (
	"os"
	"runtime/debug"

	"github.com/mozilla-releng/cot/internal/cli"
)

// memory is when the garbage collector works harder. What 20,000 tasks need at
// once is half of it, and as much again would be garbage before it is collected.
// More tasks than 40,000 take more memory all the same, and then more time, half
// of it at most for the collector.
const memory = 440 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	os.Exit(cli.Process(cli.VerifyGraph))
}
