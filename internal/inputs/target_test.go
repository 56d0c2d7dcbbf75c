package inputs

import (
	"fmt"
	"strings"
	"testing"
)

// describe gives a target in the short form, a group as group:ID.
func describe(t Target) string {
	s := t.Task.String()
	switch {
	case !t.Group.IsZero():
		s = "group:" + t.Group.String()
	case t.Namespace != "":
		s = "index:" + t.Namespace
	}
	if t.Run != nil {
		s += "/" + t.Run.String()
	}
	if name := t.Names.String(); name != "" {
		s += ":" + name
	}
	return s
}

const (
	targetID = "VvYf2QH0QxqAqMmUTo5vHw"
	otherID  = "Fg0qIkj4Rn2H-wO2-u_Kcw"
)

func TestTargetsAreRead(t *testing.T) {
	const root = "https://tc.example.com"
	for s, want := range map[string]string{
		targetID:                           targetID,
		targetID + "/0":                    targetID + "/0",
		targetID + ":public/a.zip":         targetID + ":public/a.zip",
		targetID + "/12:public/a:b=c.zip":  targetID + "/12:public/a:b=c.zip",
		targetID + ":public/*.zip":         targetID + ":public/*.zip",
		"index:gecko.v2.x.latest":          "index:gecko.v2.x.latest",
		"index:gecko.v2.x:public/build/a*": "index:gecko.v2.x:public/build/a*",

		root + "/tasks/" + targetID:                                                "task",
		root + "/tasks/" + targetID + "/":                                          "task",
		root + "/tasks/" + targetID + "?sort=name#artifacts":                       "task",
		"https://TC.example.com:443/tasks/" + targetID:                             "task",
		root + "/tasks/" + targetID + "/definition":                                "task",
		root + "/tasks/" + targetID + "/runs/1":                                    "task/1",
		root + "/tasks/" + targetID + "/runs/1/logs/public/logs/live.log#L7":       "task/1",
		root + "/tasks/" + targetID + "/runs/1/logs/live/public/logs/live.log":     "task/1",
		root + "/tasks/" + targetID + "/runs/1/public/build/a.zip":                 "task/1:public/build/a.zip",
		root + "/tasks/" + targetID + "/runs/1/public%2Fbuild%2Fa%20b.zip":         "task/1:public/build/a b.zip",
		root + "/tasks/groups/" + otherID:                                          "group",
		root + "/tasks/groups/" + otherID + "/profiler":                            "group",
		root + "/tasks/groups/" + otherID + "/tasks/" + targetID + "/runs/0":       "group",
		root + "/tasks/index/gecko.v2.x/latest":                                    "index:gecko.v2.x.latest",
		root + "/tasks/index/gecko%2Ev2.x/latest":                                  "index:gecko.v2.x.latest",
		root + "/api/queue/v1/task/" + targetID:                                    "task",
		root + "/api/queue/v1/task/" + targetID + "/status":                        "task",
		root + "/api/queue/v1/task/" + targetID + "/artifacts":                     "task",
		root + "/api/queue/v1/task/" + targetID + "/artifacts/public/a.zip":        "task:public/a.zip",
		root + "/api/queue/v1/task/" + targetID + "/artifacts/public/%2A.zip":      "task:public/*.zip",
		root + "/api/queue/v1/task/" + targetID + "/runs/0/artifacts":              "task/0",
		root + "/api/queue/v1/task/" + targetID + "/runs/0/artifacts/a.zip?bewit=": "task/0:a.zip",
		root + "/api/queue/v1/task/" + targetID + "/runs/0/artifact-content/a.zip": "task/0:a.zip",
		root + "/api/queue/v1/task/" + targetID + "/artifact-info/a.zip":           "task:a.zip",
		root + "/api/queue/v1/task-group/" + otherID + "/list":                     "group",
		root + "/api/index/v1/task/gecko.v2.x":                                     "index:gecko.v2.x",
		root + "/api/index/v1/task/gecko.v2.x/artifacts/public/a.zip":              "index:gecko.v2.x:public/a.zip",
	} {
		want = strings.Replace(want, "task", targetID, 1)
		if want == "group" {
			want = "group:" + otherID
		}
		got, err := Reader{RootURL: root}.Target(s)
		if err != nil || describe(got) != want {
			t.Errorf("%s: got %s and %v, want %s", s, describe(got), err, want)
		}
		if strings.Contains(s, "://") && got.Names.IsGlob() {
			t.Errorf("%s: a glob", s)
		}
	}
	in, err := Reader{RootURL: "http://127.0.0.1:8080/tc"}.Target("http://127.0.0.1:8080/tc/tasks/" + targetID)
	if err != nil || in.Task.String() != targetID {
		t.Errorf("below a path: %v, %v", in, err)
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	const root = "https://tc.example.com"
	const noTask, elsewhere = "names no task", "is not a URL of " + root
	task := root + "/tasks/" + targetID
	for s, want := range map[string]string{
		"":                   "not a task id",
		"x":                  "targets are TASK_ID[/RUN_ID][:ARTIFACT], index:NAMESPACE",
		targetID + "/":       "not a run number",
		targetID + "/x":      "not a run number",
		targetID + ":":       "not an artifact name",
		targetID + ":a\x1bb": "not an artifact name",
		"index:":             "want TASK_ID",
		"index:a..b":         "index path",
		"index:a:":           "not an artifact name",
		"index":              "want TASK_ID",
		"https://tc.example.org/tasks/" + targetID:      elsewhere,
		"https://tc.example.com.evil/tasks/" + targetID: elsewhere,
		"https://tc.example.com:8443/tasks/" + targetID: elsewhere,
		"https://treeherder.example.org/jobs?repo=try":  elsewhere,
		"ftp://example.org/" + targetID:                 elsewhere,
		"https://ann@tc.example.com/tasks/" + targetID:  "has a user in it",
		"http://tc.example.com/tasks/" + targetID:       noTask,
		root:                           noTask,
		root + "/":                     noTask,
		root + "/tasks":                noTask,
		root + "/tasks/create":         noTask,
		root + "/tasks/groups":         noTask,
		root + "/tasks/groups/x":       noTask,
		root + "/tasks/index/gecko.v2": noTask,
		root + "/tasks/index/gecko.v2/latest/task-group":              noTask,
		root + "/tasks/index/a..b/c":                                  noTask,
		root + "/tasks/" + targetID[1:]:                               noTask,
		root + "//tasks/" + targetID:                                  noTask,
		root + "/tasks//" + targetID:                                  noTask,
		task + "/a/b":                                                 noTask,
		task + "/..":                                                  noTask,
		task + "/%2e%2e/" + otherID:                                   noTask,
		task + "/runs/01":                                             noTask,
		task + "/runs/x":                                              noTask,
		task + "/runs/0/public/../a":                                  noTask,
		task + "/runs/0/public%zz":                                    noTask,
		task + "/runs/0/public/%00":                                   noTask,
		root + "/api/queue/v1/task/" + targetID + "/runs/0/claim":     noTask,
		root + "/api/queue/v1/task/" + targetID + "/runs/0/x/y":       noTask,
		root + "/api/queue/v2/task/" + targetID:                       noTask,
		root + "/api/queue/v1/task-group/x":                           noTask,
		root + "/api/index/v1/tasks/gecko.v2":                         noTask,
		root + "/api/index/v1/task/gecko.v2/artifact/a":               noTask,
		root + "/worker-manager/gecko-3%2Fb-linux":                    noTask,
		root + "/tasks/x/artifacts/a.zip?bewit=c2VjcmV0&x=1#c2VjcmV0": noTask,
	} {
		got, err := Reader{RootURL: root}.Target(s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %s and %v, want an error with %q", s, describe(got), err, want)
		}
		if strings.Contains(fmt.Sprint(err), "c2VjcmV0") {
			t.Errorf("%q: the error has what may be secret: %v", s, err)
		}
	}
}
