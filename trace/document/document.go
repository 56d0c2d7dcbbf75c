// Package document reads a chain of trust document after its signature was
// verified, and keeps apart what the worker asserted from what the task may
// have added.
//
// generic-worker (since 81.0.0) merges a file that the task wrote into the
// document before signing: the worker's own values win, everything else is the
// task's word. See Taskcluster's chain-of-trust documentation.
package document

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"

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
	Artifacts map[string]Hashes
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
	Task        map[string]any
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
	top, err := strictjson.ParseObject(v.Bytes(), o.Limit)
	if err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	p := parser{options: o, doc: &Document{
		SHA256: sha256.Sum256(v.Bytes()), signers: v.Signers(), unsigned: v.AcceptedUnsigned(),
	}}
	p.top(top)
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	sort.Strings(p.doc.Claims)
	return p.doc, nil
}

type parser struct {
	options  Options
	doc      *Document
	problems []Problem
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
	a.Task = p.object(m, "task")
	// What else stands inside task is found by comparing it with the queue's.
	claims := p.doc.Claims
	p.names("/task", a.Task, taskNames)
	p.doc.Claims = claims
	p.environment(p.object(m, "environment"))
	p.artifacts(p.object(m, "artifacts"))
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

func (p *parser) artifacts(m map[string]any) {
	p.doc.Artifacts = make(map[string]Hashes, len(m))
	for name, v := range m {
		at := strictjson.Pointer("/artifacts", name)
		table, ok := v.(map[string]any)
		if !ok {
			p.fail(at, "of the wrong type", "an object of digests", strictjson.Kind(v))
			continue
		}
		p.doc.Artifacts[name] = p.hashes(at, table)
	}
}

func (p *parser) hashes(at string, table map[string]any) Hashes {
	var h Hashes
	for alg, v := range table {
		path := strictjson.Pointer(at, alg)
		size := map[string]int{"sha256": 32, "sha512": 64}[alg]
		if size == 0 {
			for _, k := range hashNames {
				if strings.EqualFold(alg, k) {
					p.fail(path, "a name that differs from a known one only by case", k, alg)
				}
			}
			p.problems = append(p.problems, Problem{
				Algorithm: true, Path: path, Message: "a hash algorithm that is not accepted", Want: "sha256 or sha512", Got: alg,
			})
			continue
		}
		s, ok := v.(string)
		sum, err := hex.DecodeString(s)
		if !ok || err != nil || len(sum) != size || s != strings.ToLower(s) {
			p.fail(path, "not a digest", fmt.Sprintf("%d lower-case hex digits", 2*size), clip(fmt.Sprint(v)))
			continue
		}
		if alg == "sha256" {
			h.SHA256 = sum
			continue
		}
		h.SHA512 = sum
		if p.options.Implementation != graph.Scriptworker {
			p.claim(path)
		}
	}
	if len(table) == 0 {
		p.fail(at, "an empty table of digests", "at least one digest", "none")
		p.problems = append(p.problems, Problem{
			Algorithm: true, Path: at, Message: "an artifact without any digest", Want: "sha256 or sha512", Got: "none",
		})
	}
	return h
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
