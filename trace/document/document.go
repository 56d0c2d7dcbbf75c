// Package document reads a chain of trust document after its signature was
// verified, and keeps apart what the worker asserted from what the task may
// have added.
//
// generic-worker (since 81.0.0) merges a file that the task wrote into the
// document before signing: the worker's own values win, everything else is the
// task's word. See Taskcluster's chain-of-trust documentation.
package document

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Problem is one thing wrong with a document.
type Problem struct {
	Algorithm bool   // about hash algorithms, not about the form
	Path      string // JSON Pointer
	Message   string
	Want, Got string
}

// Document is a verified chain of trust document, version 1.
type Document struct {
	Asserted  Asserted
	SameTask  bool              // its task is plainly Options.Task
	Artifacts map[string]Hashes // those that Options.Keep keeps
	Names     int               // how many artifacts it has in all
	// Claims are JSON Pointers to what no worker of the implementation writes:
	// the task may have put it there.
	Claims []string
	// SHA256 is the digest of the bytes that the signature vouches for.
	SHA256 [sha256.Size]byte

	signers  []certs.Signer
	unsigned bool
}

// Asserted is what the worker itself wrote.
type Asserted struct {
	TaskID      string
	RunID       int64
	WorkerGroup string
	WorkerID    string
	Task        map[string]any // nil where Document.SameTask
	// ImageArtifactHash is the digest of the docker image artifact that ran,
	// "sha256:…". Empty unless the worker wrote it and nothing in the task
	// could have: see Options.
	ImageArtifactHash string
	// ImageHash is Docker's own id of the image that ran, under the same
	// condition. It is no digest of an artifact.
	ImageHash string
}

// Hashes are an artifact's digests by algorithm, decoded.
type Hashes struct {
	SHA256 []byte
	SHA512 []byte
}

// Signers are those whose signatures over the document hold.
func (d *Document) Signers() []certs.Signer { return d.signers }

// AcceptedUnsigned tells that the caller accepted the document unsigned.
func (d *Document) AcceptedUnsigned() bool { return d.unsigned }

// Options say which claims count for the worker that wrote the document.
type Options struct {
	Implementation graph.Implementation
	// ImageHashes tells that the worker writes image hashes for this payload
	// and the task could not have replaced them.
	ImageHashes bool
	Limit       int64 // bytes
	// Task is the definition that the document should have. If that is plainly so,
	// the document's own is not decoded. Zero: it always is.
	Task graph.Packed
	// Keep tells which artifacts are kept of those that are read; nil: all.
	Keep func(name []byte) bool
}

var (
	topNames = []string{
		"chainOfTrustVersion", "artifacts", "task", "taskId", "runId", "workerGroup",
		"workerId", "workerType", "environment",
	}
	environmentNames = []string{
		"publicIpAddress", "privateIpAddress", "instanceId", "instanceType", "region",
		"imageHash", "imageArtifactHash",
	}
	hashNames = []string{"sha256", "sha512"}
	taskNames = []string{
		"provisionerId", "workerType", "taskQueueId", "schedulerId", "projectId", "taskGroupId",
		"dependencies", "requires", "routes", "priority", "retries", "created", "deadline",
		"expires", "scopes", "payload", "metadata", "tags", "extra",
	}
)

// Parse decodes the bytes that a signature vouches for. A document with
// problems is not to be used; all problems are given at once.
func Parse(v certs.Verified, o Options) (*Document, []Problem) {
	p := parser{options: o, doc: &Document{
		Artifacts: map[string]Hashes{},
		SHA256:    sha256.Sum256(v.Bytes()), signers: v.Signers(), unsigned: v.AcceptedUnsigned(),
	}}
	p.entry.set = func(alg, digits []byte) error {
		p.entry.some = true
		p.hash(&p.entry.digests, p.entry.name, alg, digits)
		return nil
	}
	top := map[string]any{}
	err := strictjson.Members(v.Bytes(), o.Limit, func(name string, dec *jsontext.Decoder) (err error) {
		switch {
		case name == "artifacts" && dec.PeekKind() == '{': // by far the most of it: no tree is made of them
			top[name] = map[string]any{}
			return p.artifacts(dec)
		case name == "task" && !o.Task.IsZero():
			p.doc.SameTask = true
			return o.plainly(dec)
		}
		top[name], err = strictjson.Read(dec)
		return err
	})
	if errors.Is(err, errOtherTask) {
		o.Task = graph.Packed{}
		return Parse(v, o)
	}
	if err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	p.top(top)
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	sort.Strings(p.doc.Claims)
	return p.doc, nil
}

// errOtherTask tells that a document's task has to be decoded.
var errOtherTask = errors.New("not plainly the task")

// plainly reads a task that is plainly the one that is wanted, with known names
// alone.
func (o Options) plainly(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil || !o.Task.Same(raw) {
		return errOtherTask
	}
	return strictjson.Members(raw, o.Limit, func(name string, dec *jsontext.Decoder) error {
		if !slices.Contains(taskNames, name) || dec.SkipValue() != nil {
			return errOtherTask
		}
		return nil
	})
}

type parser struct {
	options  Options
	doc      *Document
	problems []Problem

	// entry is the artifact that is read: there are many, and none has its own.
	entry struct {
		name    []byte
		digests digests
		some    bool
		set     func(alg, digits []byte) error
	}
}

func (p *parser) fail(path, message, want, got string) {
	p.problems = append(p.problems, Problem{Path: path, Message: message, Want: want, Got: got})
}

func (p *parser) claim(path string) { p.doc.Claims = append(p.doc.Claims, path) }

// names refuses names that differ from a known one only by case folding, and
// records unknown ones as claims.
func (p *parser) names(at string, m map[string]any, known []string) {
	for name := range m {
		exact := false
		for _, k := range known {
			if name == k {
				exact = true
				break
			}
		}
		if exact {
			continue
		}
		for _, k := range known {
			if strings.EqualFold(name, k) {
				p.fail(strictjson.Pointer(at, name), "a name that differs from a known one only by case", k, name)
			}
		}
		p.claim(strictjson.Pointer(at, name))
	}
}

func (p *parser) top(m map[string]any) {
	p.names("", m, topNames)
	if v, ok := m["chainOfTrustVersion"].(strictjson.Number); !ok || v != "1" {
		p.fail("/chainOfTrustVersion", "unknown version of the document", "1", describe(m, "chainOfTrustVersion"))
	}
	a := &p.doc.Asserted
	a.TaskID = p.text(m, "taskId")
	a.WorkerGroup = p.text(m, "workerGroup")
	a.WorkerID = p.text(m, "workerId")
	if n, ok := m["runId"].(strictjson.Number); ok {
		run, err := n.Int()
		if err != nil {
			p.fail("/runId", "not a run number", "an integer", string(n))
		}
		a.RunID = run
	} else {
		p.fail("/runId", "missing or of the wrong type", "an integer", describe(m, "runId"))
	}
	if _, ok := m["workerType"]; ok && p.options.Implementation != graph.Scriptworker {
		p.claim("/workerType")
	}
	if !p.doc.SameTask {
		a.Task = p.object(m, "task")
	}
	// What else stands inside task is found by comparing it with the queue's.
	claims := p.doc.Claims
	p.names("/task", a.Task, taskNames)
	p.doc.Claims = claims
	p.environment(p.object(m, "environment"))
	p.object(m, "artifacts") // what is in it, artifacts has read
}

func (p *parser) environment(m map[string]any) {
	p.names("/environment", m, environmentNames)
	for _, name := range []string{"imageHash", "imageArtifactHash"} {
		v, ok := m[name]
		if !ok {
			continue
		}
		s, isText := v.(string)
		switch {
		case !isText:
			p.fail(strictjson.Pointer("/environment", name), "of the wrong type", "a string", strictjson.Kind(v))
		case !p.options.ImageHashes:
			p.claim(strictjson.Pointer("/environment", name))
		case name == "imageArtifactHash":
			p.doc.Asserted.ImageArtifactHash = s
		default:
			p.doc.Asserted.ImageHash = s
		}
	}
}

// artifacts reads the table of artifacts, and keeps those that are wanted.
func (p *parser) artifacts(dec *jsontext.Decoder) error {
	return strictjson.Table(dec, func(name []byte, dec *jsontext.Decoder) error {
		p.doc.Names++
		if dec.PeekKind() != '{' {
			v, err := strictjson.Read(dec)
			p.fail(strictjson.Pointer("/artifacts", string(name)), "of the wrong type", "an object of digests", strictjson.Kind(v))
			return err
		}
		h, err := p.hashes(name, dec)
		if p.options.Keep == nil || p.options.Keep(name) {
			p.doc.Artifacts[string(name)] = h.kept()
		}
		return err
	})
}

// digests are an artifact's, before it is known whether anybody wants them.
type digests struct {
	short          [32]byte
	long           [64]byte
	has256, has512 bool
}

func (d *digests) kept() Hashes {
	var h Hashes
	if d.has256 {
		h.SHA256 = bytes.Clone(d.short[:])
	}
	if d.has512 {
		h.SHA512 = bytes.Clone(d.long[:])
	}
	return h
}

func (p *parser) hashes(name []byte, dec *jsontext.Decoder) (digests, error) {
	p.entry.name, p.entry.digests, p.entry.some = name, digests{}, false
	err := strictjson.Entries(dec, p.entry.set)
	if !p.entry.some {
		at := strictjson.Pointer("/artifacts", string(name))
		p.fail(at, "an empty table of digests", "at least one digest", "none")
		p.problems = append(p.problems, Problem{
			Algorithm: true, Path: at, Message: "an artifact without any digest", Want: "sha256 or sha512", Got: "none",
		})
	}
	return p.entry.digests, err
}

// hash reads a digest; nil: what stands there is no text.
func (p *parser) hash(d *digests, name, alg, digits []byte) {
	at := func() string { return strictjson.Pointer("/artifacts", string(name), string(alg)) }
	var into []byte
	switch string(alg) {
	case "sha256":
		into = d.short[:]
	case "sha512":
		into = d.long[:]
	default:
		for _, k := range hashNames {
			if strings.EqualFold(string(alg), k) {
				p.fail(at(), "a name that differs from a known one only by case", k, string(alg))
			}
		}
		p.problems = append(p.problems, Problem{
			Algorithm: true, Path: at(), Message: "a hash algorithm that is not accepted", Want: "sha256 or sha512", Got: string(alg),
		})
		return
	}
	if !lowerHex(into, digits) {
		found := string(digits)
		if digits == nil {
			found = "no text"
		}
		p.fail(at(), "not a digest", fmt.Sprintf("%d lower-case hex digits", 2*len(into)), clip(found))
		return
	}
	if len(into) == len(d.short) {
		d.has256 = true
		return
	}
	d.has512 = true
	if p.options.Implementation != graph.Scriptworker {
		p.claim(at())
	}
}

// lowerHex decodes digits that fill a digest.
func lowerHex(into, digits []byte) bool {
	if len(digits) != 2*len(into) || bytes.ContainsAny(digits, "ABCDEF") {
		return false
	}
	_, err := hex.Decode(into, digits)
	return err == nil
}

func (p *parser) text(m map[string]any, key string) string {
	s, ok := m[key].(string)
	if !ok || s == "" {
		p.fail("/"+key, "missing or of the wrong type", "a string", describe(m, key))
	}
	return s
}

func (p *parser) object(m map[string]any, key string) map[string]any {
	v, ok := m[key].(map[string]any)
	if !ok {
		p.fail("/"+key, "missing or of the wrong type", "an object", describe(m, key))
	}
	return v
}

func describe(m map[string]any, key string) string {
	v, ok := m[key]
	if !ok {
		return "nothing"
	}
	switch v := v.(type) {
	case strictjson.Number:
		return string(v)
	case string:
		return clip(v)
	}
	return strictjson.Kind(v)
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}
