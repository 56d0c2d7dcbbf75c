// Package trace follows chains of trust: from a task run over the documents
// that workers signed, to its decision task and the commit in a trusted tree.
//
// It is pure: bytes, policy and one reference time in, a Report out. What it
// reads comes through the small interfaces of Sources; everything they give is
// hostile until a rule has looked at it. Every check is a rule with a stable id
// that leaves findings on the task it is about. A failed rule never stops those
// that can still run safely, and a fact that could not be established is an
// error, not a pass.
package trace
