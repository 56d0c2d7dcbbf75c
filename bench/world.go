//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
)

// served is what the serving process tells the measuring one.
type served struct {
	deployment
	Downloads []download
	Traces    []traced
}

// deployment is one way to reach the served world.
type deployment struct {
	RootURL string
	Policy  string          // what makes the served world trusted
	Peer    json.RawMessage // likewise, as verify_cot.py reads it
}

// download is a task whose artifacts are to be fetched.
type download struct {
	Name  string
	Task  string
	Size  int64 // of each file
	Files []file
}

type file struct{ Artifact, Base, SHA256 string }

// traced is a task whose chain is to be verified.
type traced struct {
	Name, Task string
	At         deployment
	Runs       int // at most; 0: as many as asked for
}

// Links of the traced chains: a signing task, its builds, their image and the
// decision task.
const (
	otherLinks = 3
	maxLinks   = 80 // what the verifiers are told to allow
	someLinks  = 30
)

// latency is how long every answer takes where a network is between.
const latency = 20 * time.Millisecond

// The size of a large graph, as on a busy release branch.
const (
	graphEntries = 15_000
	graphBytes   = 81_000_000
)

// serve builds the world, says on out where it is, and answers until in ends.
func serve(in io.Reader, out io.Writer) error {
	w := fixtures.New(1)
	repository := w.Repository("/mozilla-central", "mozilla-central", "3")

	var s served
	graph := newGraph(repository, "Bug 2 - downloads")
	image := graph.DockerImage("debian12-amd64-build")
	for _, d := range []struct {
		name  string
		count int
		size  int64
	}{
		{"1 × 1 GiB", 1, 1 << 30},
		{"64 × 16 MiB", 64, 16 << 20},
		{"2,000 × 64 KiB", 2000, 64 << 10},
	} {
		s.Downloads = append(s.Downloads, addDownload(graph, image, d.name, d.count, d.size))
	}
	chains := map[int]string{}
	for _, links := range []int{10, someLinks, 60} {
		chains[links] = addChain(newGraph(repository, fmt.Sprintf("Bug 3 - %d links", links)), links)
	}
	large := newGraph(repository, "Bug 4 - a large graph")
	large.Filler, large.FillerBytes = graphEntries-(someLinks-1), graphBytes/graphEntries
	big := addChain(large, someLinks)

	near, close1, err := deploy(w, fixtures.Options{NoLog: true}, nil)
	if err != nil {
		return err
	}
	defer close1()
	far, close2, err := deploy(w, fixtures.Options{NoLog: true, Latency: latency}, nil)
	if err != nil {
		return err
	}
	defer close2()
	var requests atomic.Int64
	failing, close3, err := deploy(w, fixtures.Options{NoLog: true}, &fixtures.Fault{
		Match:  func(*http.Request) bool { return requests.Add(1)%5 == 0 },
		Status: http.StatusInternalServerError,
	})
	if err != nil {
		return err
	}
	defer close3()
	s.deployment = near
	for _, at := range []struct {
		deployment
		how string
	}{{near, ""}, {far, fmt.Sprintf(", %d ms for every answer", latency.Milliseconds())}} {
		for _, links := range []int{10, someLinks, 60} {
			s.Traces = append(s.Traces, traced{Name: fmt.Sprintf("%d links%s", links, at.how), Task: chains[links], At: at.deployment})
		}
		s.Traces = append(s.Traces, traced{Name: fmt.Sprintf("%d links, graph of 15,000 tasks%s", someLinks, at.how), Task: big, At: at.deployment})
	}
	s.Traces = append(s.Traces, traced{Name: fmt.Sprintf("%d links, one answer in five is a 500", someLinks), Task: chains[someLinks], At: failing, Runs: 1})
	if err := json.NewEncoder(out).Encode(s); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// deploy serves the world once more.
func deploy(w *fixtures.World, o fixtures.Options, fault *fixtures.Fault) (deployment, func(), error) {
	server, err := w.Serve(o)
	if err != nil {
		return deployment{}, nil, err
	}
	if fault != nil {
		server.Fault(*fault)
	}
	d := deployment{RootURL: server.RootURL}
	d.Policy = w.PolicyYAML(server) + fmt.Sprintf("limits: {maxChainLength: %d}\n", maxLinks)
	// As on Firefox-CI, generic-worker's key also signs docker-worker payloads.
	generic := fixtures.PublicKey(w.Keys.GenericWorker)
	keys := map[string][]string{
		fixtures.DockerWorker:  {fixtures.PublicKey(w.Keys.DockerWorker), generic},
		fixtures.GenericWorker: {generic},
		fixtures.Scriptworker:  {fixtures.PublicKey(w.Keys.Scriptworker)},
	}
	d.Peer, err = json.Marshal(map[string]any{
		"rootUrl": server.RootURL, "vcsUrl": server.VCSURL, "links": maxLinks, "keys": keys,
	})
	return d, func() { _ = server.Close() }, err
}

func newGraph(r *fixtures.Repository, desc string) *fixtures.Graph {
	return r.Push(desc).Decision().Graph()
}

// addDownload adds a build whose files are those to be fetched.
func addDownload(g *fixtures.Graph, image *fixtures.Task, name string, count int, size int64) download {
	d := download{Name: name, Size: size}
	task := g.Build("files-"+fmt.Sprint(count), image)
	for i := range count {
		f := file{Base: fmt.Sprintf("file-%04d.bin", i)}
		f.Artifact = "public/build/" + f.Base
		content := fixtures.Random(uint64(count)<<32|uint64(i), size)
		f.SHA256 = content.SHA256()
		task.Last().Add(fixtures.File(f.Artifact, content))
		d.Files = append(d.Files, f)
	}
	d.Task = task.ID
	return d
}

// addChain adds a signing task of many builds and gives its id.
func addChain(g *fixtures.Graph, links int) string {
	image := g.DockerImage("debian12-amd64-build")
	var upstream []fixtures.Upstream
	for i := range links - otherLinks {
		upstream = append(upstream, fixtures.Upstream{Task: g.Build(fmt.Sprintf("linux64-%02d/opt", i), image)})
	}
	return g.Signing("linux64/opt", nil, upstream...).ID
}

// serveMain is the serving process; it ends when its standard input does.
func serveMain(serve func(io.Reader, io.Writer) error) {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
