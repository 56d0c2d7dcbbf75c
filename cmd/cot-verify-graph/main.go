// Command cot-verify-graph follows tasks back to the commit they were made from.
package main

import (
	"os"

	"github.com/mozilla-releng/cot/internal/cli"
)

func main() { os.Exit(cli.Process(cli.VerifyGraph)) }
