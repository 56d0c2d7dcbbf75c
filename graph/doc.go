// Package graph is the model of what the queue knows: tasks, their definitions
// and runs, and the edges along which one task's output reaches another.
//
// It decodes strictly and fetches nothing. Everything in it is what the queue
// says; whether that is to be believed is for packages certs and trace.
package graph
