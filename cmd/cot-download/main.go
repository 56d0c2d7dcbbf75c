// Command cot-download gives a task verified inputs, or none.
package main

import (
	"os"

	"github.com/mozilla-releng/cot/internal/cli"
)

func main() { os.Exit(cli.Process(cli.Download)) }
