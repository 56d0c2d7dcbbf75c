package trace

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// TaskGraphName is the artifact in which a parent publishes what it created.
const TaskGraphName = "public/task-graph.json"

const (
	maxGraphEntryBytes = 8 << 20
	maxDuplicated      = 1000 // entries with attributes.task_duplicates that are kept, of those that may be wanted
)

// graphEntry is a task of a parent's task graph.
type graphEntry struct {
	id         string // its key in the graph
	label      string
	task       map[string]any
	duplicates int64 // attributes.task_duplicates, 0 if absent
}

// name is the name of the tasks that are made from the entry.
func (e graphEntry) name() string {
	metadata, _ := e.task["metadata"].(map[string]any)
	s, _ := metadata["name"].(string)
	return s
}

// taskGraph is what was wanted of a task graph. Entries are compared as they are
// read: kept, those of a large group would fill the memory.
type taskGraph struct {
	entries    map[graph.TaskID][]Finding // how each task differs from its entry
	duplicated []graphEntry               // entries that stand for several tasks
	size       int                        // entries in all
}

// errDigest tells that a stream's bytes are not those that were vouched for.
var errDigest = errors.New("the bytes differ from the signed digest")

// readTaskGraph reads a task graph as a stream, compares the entries of the wanted
// tasks and keeps those that may stand for one by having its name. The
// bytes are hashed while they are parsed, on another goroutine; nothing is given
// unless every digest matches.
func readTaskGraph(r io.Reader, digests []Digest, want map[graph.TaskID]*node) (*taskGraph, [][]byte, error) {
	s := newHashedStream(r, digests)
	g, parseErr := parseTaskGraph(s, want)
	sums, readErr := s.finish()
	switch {
	case readErr != nil:
		return nil, nil, readErr
	case !allMatch(digests, sums):
		return nil, sums, errDigest
	case parseErr != nil:
		return nil, sums, parseErr
	}
	return g, sums, nil
}

func allMatch(digests []Digest, sums [][]byte) bool {
	if len(digests) == 0 {
		return false
	}
	for i, d := range digests {
		if !d.Matches(sums[i]) {
			return false
		}
	}
	return true
}

func parseTaskGraph(s *hashedStream, want map[graph.TaskID]*node) (*taskGraph, error) {
	// Names may repeat in entries that nobody asks for; those that matter are
	// decoded strictly below.
	dec := jsontext.NewDecoder(s, jsontext.AllowDuplicateNames(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return nil, fmt.Errorf("%s is not a JSON object", TaskGraphName)
	}
	g := &taskGraph{entries: map[graph.TaskID][]Finding{}}
	names := map[string]bool{}
	for _, n := range want {
		names[n.task.Name] = true
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, fmt.Errorf("%s: malformed JSON: %w", TaskGraphName, err)
		}
		key := name.String()
		s.allow(dec.InputOffset() + maxGraphEntryBytes)
		raw, err := dec.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("%s: entry %q: %w", TaskGraphName, clipText(key), err)
		}
		g.size++
		id, idErr := graph.ParseTaskID(key)
		n, wanted := want[id]
		wanted = wanted && idErr == nil
		stands := bytes.Contains(raw, []byte(`"task_duplicates"`))
		if !wanted && !stands {
			continue
		}
		e, err := parseEntry(raw)
		if err != nil {
			if !wanted {
				continue
			}
			return nil, fmt.Errorf("%s: entry %q: %w", TaskGraphName, clipText(key), err)
		}
		if wanted {
			if _, twice := g.entries[id]; twice {
				return nil, fmt.Errorf("%s: entry %q stands twice", TaskGraphName, key)
			}
			g.entries[id] = compareEntry(n, e)
		}
		if e.id = clipText(key); e.duplicates > 1 && names[e.name()] {
			if len(g.duplicated) >= maxDuplicated {
				return nil, fmt.Errorf("%s: more than %d entries with task_duplicates", TaskGraphName, maxDuplicated)
			}
			g.duplicated = append(g.duplicated, e)
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, fmt.Errorf("%s: malformed JSON: %w", TaskGraphName, err)
	}
	s.allow(1 << 62)
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, fmt.Errorf("%s: data after the JSON value", TaskGraphName)
	}
	return g, nil
}

func parseEntry(raw []byte) (graphEntry, error) {
	m, err := strictjson.ParseObject(raw, maxGraphEntryBytes)
	if err != nil {
		return graphEntry{}, err
	}
	var e graphEntry
	e.label, _ = m["label"].(string)
	var ok bool
	if e.task, ok = m["task"].(map[string]any); !ok {
		return graphEntry{}, errors.New("no task definition in it")
	}
	attributes, _ := m["attributes"].(map[string]any)
	if n, ok := attributes["task_duplicates"].(strictjson.Number); ok {
		if e.duplicates, err = n.Int(); err != nil {
			return graphEntry{}, fmt.Errorf("attributes.task_duplicates: %w", err)
		}
	}
	return e, nil
}

// hashedStream reads ahead and hashes on its own goroutine while the bytes are
// parsed on the caller's.
type hashedStream struct {
	chunks chan []byte
	free   chan []byte
	done   chan struct{}
	sums   [][]byte
	err    error // of the source, but io.EOF

	current, rest []byte
	consumed      int64
	limit         int64
}

const (
	chunkBytes = 256 << 10
	chunkCount = 4
)

func newHashedStream(r io.Reader, digests []Digest) *hashedStream {
	s := &hashedStream{
		chunks: make(chan []byte, chunkCount), free: make(chan []byte, chunkCount),
		done: make(chan struct{}), limit: maxGraphEntryBytes,
	}
	for range chunkCount {
		s.free <- make([]byte, chunkBytes)
	}
	hashes := make([]hash.Hash, len(digests))
	for i, d := range digests {
		hashes[i] = d.New()
	}
	go func() {
		defer close(s.done)
		defer close(s.chunks)
		for buf := range s.free {
			n, err := io.ReadFull(r, buf[:chunkBytes])
			for _, h := range hashes {
				h.Write(buf[:n])
			}
			if n > 0 {
				s.chunks <- buf[:n]
			}
			if err != nil {
				if err != io.EOF && err != io.ErrUnexpectedEOF {
					s.err = err
				}
				break
			}
		}
		for _, h := range hashes {
			s.sums = append(s.sums, h.Sum(nil))
		}
	}()
	return s
}

// allow lets reading go on up to an offset: the parser must not be made to
// buffer without a bound.
func (s *hashedStream) allow(offset int64) { s.limit = offset + 2*chunkBytes }

// Read hands on what is hashed. io.ReadFull above tells a source that ends
// within a chunk by ErrUnexpectedEOF, so a truncated source reports its own
// error through finish.
func (s *hashedStream) Read(p []byte) (int, error) {
	if s.consumed > s.limit {
		return 0, fmt.Errorf("an entry is larger than %d bytes", maxGraphEntryBytes)
	}
	if len(s.rest) == 0 {
		s.recycle()
		chunk, ok := <-s.chunks
		if !ok {
			<-s.done
			if s.err != nil {
				return 0, s.err
			}
			return 0, io.EOF
		}
		s.current, s.rest = chunk, chunk
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	s.consumed += int64(n)
	return n, nil
}

func (s *hashedStream) recycle() {
	if s.current != nil {
		s.free <- s.current[:chunkBytes]
		s.current = nil
	}
}

// finish drains the source and gives the sums of all its bytes.
func (s *hashedStream) finish() ([][]byte, error) {
	s.recycle()
	for chunk := range s.chunks {
		s.free <- chunk[:chunkBytes]
	}
	<-s.done
	return s.sums, s.err
}
