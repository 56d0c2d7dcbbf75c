// Command cot-certs is a CA for workers' certificates, and what a worker signs with.
package main

import (
	"os"

	// Key services of clouds, for keys that are named by URI.
	_ "go.step.sm/crypto/kms/awskms"
	_ "go.step.sm/crypto/kms/azurekms"
	_ "go.step.sm/crypto/kms/cloudkms"

	"github.com/mozilla-releng/cot/internal/cli"
)

func main() { os.Exit(cli.Process(cli.Certs)) }
