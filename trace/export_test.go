package trace

// BoundTasks has a verifier look at fewer tasks than it would: the real bounds
// are too many for a test.
func (v *Verifier) BoundTasks(chain, graph int) { v.maxChainTasks, v.maxGraphTasks = chain, graph }
