// Command dockerfile reads a Dockerfile with BuildKit's own parser and refuses
// one that BuildKit would refuse, or whose image is not what the README says:
// built from versioned images, run by a numeric user who is not root, and with
// nothing in its last stage but what is copied there from earlier ones.
package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerfile FILE")
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// check joins all that is wrong with the file.
func check(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	tree, err := parser.Parse(f)
	if err != nil {
		return err
	}
	for _, w := range tree.Warnings {
		err = errors.Join(err, fmt.Errorf("warning: %s", w.Short))
	}
	warn := func(rule, _, _, msg string, _ []parser.Range) {
		err = errors.Join(err, fmt.Errorf("%s: %s", rule, msg))
	}
	stages, args, parseErr := instructions.Parse(tree.AST, linter.New(&linter.Config{Warn: warn}))
	if parseErr != nil {
		return errors.Join(err, parseErr)
	}
	if len(stages) == 0 {
		return errors.Join(err, errors.New("has no stage"))
	}
	return errors.Join(err, versioned(stages, args), lastStage(stages[len(stages)-1]))
}

var version = regexp.MustCompile(`:[A-Za-z]*[0-9]+\.[0-9]+`)

// versioned refuses a base image without a version in its tag, or one that
// depends on a build argument.
func versioned(stages []instructions.Stage, args []instructions.ArgCommand) (err error) {
	if len(args) > 0 {
		err = errors.New("has an ARG before FROM: base images are written out")
	}
	names := map[string]bool{"scratch": true}
	for _, s := range stages {
		if !names[s.BaseName] && !version.MatchString(s.BaseName) {
			err = errors.Join(err, fmt.Errorf("FROM %s: want a version in the tag", s.BaseName))
		}
		names[s.Name] = true
	}
	return err
}

var numericUser = regexp.MustCompile(`^[1-9][0-9]*(:[1-9][0-9]*)?$`)

// lastStage refuses an image that runs as root or that runs a step itself.
func lastStage(s instructions.Stage) (err error) {
	user := ""
	for _, c := range s.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.CopyCommand:
			if c.From == "" {
				err = errors.Join(err, fmt.Errorf("last stage: COPY %s takes files from the checkout, want them from a stage", strings.Join(c.SourcePaths, " ")))
			}
		case *instructions.RunCommand, *instructions.AddCommand:
			err = errors.Join(err, fmt.Errorf("last stage: %s adds more than what is copied from a stage", c.Name()))
		}
	}
	if !numericUser.MatchString(user) {
		err = errors.Join(err, fmt.Errorf("last stage: USER %q, want a number that is not root's", user))
	}
	return err
}
