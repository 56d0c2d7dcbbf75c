package graph

import (
	"fmt"
	"regexp"
	"strings"
)

// Implementation is the kind of worker that ran a task. The zero value is
// "not decided".
type Implementation string

// Worker implementations. BuiltIn tasks are resolved by the queue itself; they
// sign nothing and have no artifacts.
const (
	DockerWorker  Implementation = "docker-worker"
	GenericWorker Implementation = "generic-worker"
	Scriptworker  Implementation = "scriptworker"
	BuiltIn       Implementation = "built-in"
)

// ImplementationOf decides, by the first that answers: a provisioner that is
// scriptworkers', the built-in provisioner, a docker payload, else
// generic-worker. Tags and scopes are claims and decide nothing.
func ImplementationOf(d *Definition, isScriptworker func(provisioner string) bool) Implementation {
	switch {
	case isScriptworker(d.Pool.Provisioner):
		return Scriptworker
	case d.Pool.Provisioner == "built-in":
		return BuiltIn
	case hasDockerPayload(d):
		return DockerWorker
	}
	return GenericWorker
}

func hasDockerPayload(d *Definition) bool {
	v, ok := d.Payload["image"]
	return ok && v != nil && v != ""
}

// PoolPattern matches worker pools: "*" stands for any run of characters
// within the provisioner or the worker type, never across the slash.
type PoolPattern struct {
	s  string
	re *regexp.Regexp
}

var poolPatternSyntax = regexp.MustCompile(`^[A-Za-z0-9_*-]+/[A-Za-z0-9_*-]+$`)

// ParsePoolPattern reads "provisionerId/workerType" with "*" as wildcard.
func ParsePoolPattern(s string) (PoolPattern, error) {
	if !poolPatternSyntax.MatchString(s) {
		return PoolPattern{}, fmt.Errorf("%q is not a worker pool pattern: want provisionerId/workerType, * as wildcard", clip(s))
	}
	re := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(s), `\*`, `[^/]*`) + "$")
	return PoolPattern{s, re}, nil
}

func (p PoolPattern) String() string { return p.s }

// Match tells whether the pattern covers the pool. The zero pattern covers none.
func (p PoolPattern) Match(pool WorkerPool) bool {
	return p.re != nil && p.re.MatchString(pool.String())
}

// AnyPool tells whether one of the patterns covers the pool.
func AnyPool(patterns []PoolPattern, pool WorkerPool) bool {
	for _, p := range patterns {
		if p.Match(pool) {
			return true
		}
	}
	return false
}
