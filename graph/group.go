package graph

import "time"

// Group is a task group as the queue lists it (Taskcluster's listTaskGroup).
type Group struct {
	ID    TaskID
	Tasks []*Listed // each once, in the order of the listing
	// Sealed is since when no task may join the group; zero: any may.
	Sealed time.Time
	// Growing: tasks joined while the group was listed, to the end of all tries.
	Growing bool
}

// Listed is what a group's listing says of one task. A group may have so many
// that none of their definitions stays decoded.
type Listed struct {
	ID    TaskID
	State RunState
	Runs  []Run // by number, without gaps
	Packed
}
