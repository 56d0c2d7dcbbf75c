package main

// exceptions are the only cases in which scriptworker refuses and cot accepts,
// by event or by harmless difference, and why that is right.
var exceptions = map[string]string{
	"github-push of a small tree":         leftOut,
	"github-pull-request of a small tree": leftOut,
	"action of a small tree":              ownGroup,
	actedTwice:                            ownGroup,
	copies:                                "taskgraph makes several tasks of an entry with `task_duplicates`, and only one has the entry's id; scriptworker knows ids alone, cot lets so many tasks equal the entry and no more",
	"another priority of what the event started":                     "the queue lets priority be changed after a task was created, and it decides nothing but when a task runs; scriptworker compares it",
	"a prebuilt image in the other spelling where policy allows any": "workers know `{type: docker-image, name: …}` as another spelling of an image's name; scriptworker does not",
}

const (
	leftOut  = "a tree may leave out what the GitHub service adds by itself (`created`, `schedulerId`, `taskGroupId`, a route); scriptworker wants it to say all of it"
	ownGroup = "scriptworker takes the task that the group is named for to be the decision task and downloads `actions.json` of decisions alone; here that is an action"
)

// problems are what must not be, each in a line.
func problems(list []*job) []string {
	var out []string
	say := func(j *job, what string) { out = append(out, what+": "+j.detail()) }
	honest := map[int]*job{}
	said := map[string]bool{}
	for _, j := range list {
		if j.attack == nil && !j.strict {
			honest[j.chain] = j
		}
		trusted, theirs := j.mine.trusts(), j.theirs.Outcome == accepts
		good := !j.strict && (j.attack == nil || !j.attack.refused())
		switch {
		case good && !trusted:
			say(j, "cot refuses what it should not")
		case !good && trusted:
			say(j, "cot accepts an attack")
		case !good && j.rule() == "":
			say(j, "cot refuses, but by none of the rules against it")
		}
		switch {
		case trusted && theirs && !j.linked:
			say(j, "the two accept different chains")
		case trusted && !theirs && j.exception(honest) == "":
			say(j, "scriptworker refuses, and cot accepts")
		case !trusted && theirs && (j.attack == nil || j.attack.why == ""):
			say(j, "nothing says why cot refuses")
		}
		if !trusted && theirs && j.attack != nil {
			said[j.attack.name] = true
		}
		if trusted && !theirs {
			said[j.exceptionKey(honest)] = true
		}
	}
	for _, j := range list {
		if j.attack != nil && j.attack.why != "" && !said[j.attack.name] {
			said[j.attack.name] = true
			out = append(out, "scriptworker refuses too, so nothing is to be explained: "+j.attack.name)
		}
	}
	return out
}

// exceptionKey is the event where scriptworker refuses the honest chain, else
// what is harmless.
func (j *job) exceptionKey(honest map[int]*job) string {
	if h := honest[j.chain]; j.attack == nil || h != nil && h.theirs.Outcome != accepts {
		return chains()[j.chain].event
	}
	return j.attack.name
}

func (j *job) exception(honest map[int]*job) string { return exceptions[j.exceptionKey(honest)] }
