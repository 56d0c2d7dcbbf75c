// Package policy is what a deployment trusts: keys and the pools they sign
// for, products with their repositories and pools, scopes that need a certain
// tree, and the bounds of the work. docs/policy.md is the reference of the
// file format.
//
// It is pure: bytes in, values out. A policy is refused unless every key of it
// is known, well-formed and supported, so that a typing error can't switch a
// check off.
package policy
