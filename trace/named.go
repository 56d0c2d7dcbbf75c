package trace

import (
	"fmt"
	"path"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// AddNamed records an artifact of a target as its document has it; its bytes
// are not looked at. One that nothing vouches for is a finding. Call Conclude
// afterwards.
func (r *Report) AddNamed(t RunTarget, name string) {
	run := r.runs[targetKey(t)]
	d := r.documents[run]
	if d == nil || d.link == nil {
		r.AddFinding(unvouched(t, name))
		return
	}
	digests, f := d.link.digests(name)
	if f != nil {
		r.AddFinding(*f)
		return
	}
	r.AddArtifact(artifactOf(run, name, digests))
}

// AddFile looks among a target's artifacts for one with the bytes of a file,
// and records each that its worker made and the queue lists. None is a finding.
// Call Conclude afterwards. sha512 is the file's, too. name is the only artifact
// that counts; empty: any.
func (r *Report) AddFile(t RunTarget, file File, sha512, name string) {
	r.Target.File = &file
	run := r.runs[targetKey(t)]
	d := r.documents[run]
	if d == nil || d.link == nil {
		r.AddFinding(unvouched(t, file.Path))
		return
	}
	same := func(digests []Digest) bool {
		for _, d := range digests {
			if want := map[string]string{"sha256": file.SHA256, "sha512": sha512}[d.Algorithm()]; d.Hex() != want {
				return false
			}
		}
		return len(digests) > 0
	}
	found := false
	var uncounted []Finding
	for _, n := range d.names {
		if name != "" && n != name || !same(hashed(d.link, n)) {
			continue
		}
		digests, f := d.link.digests(n)
		if f != nil {
			uncounted = append(uncounted, *f)
			continue
		}
		found = true
		a := artifactOf(run, n, digests)
		a.Hashed, a.Bytes = true, file.Bytes
		r.AddArtifact(a)
	}
	switch {
	case found: // what else the document says of these bytes does not matter
	case uncounted != nil:
		for _, f := range uncounted {
			r.AddFinding(f)
		}
	default:
		r.AddFinding(otherBytes(d, run, file, name))
	}
}

// otherBytes is the finding for a file that is no artifact of a run. It tells
// what the artifact is that the file seems to be, by its name.
func otherBytes(d *vouched, run graph.RunRef, file File, name string) Finding {
	f := Finding{
		Rule: RuleArtifactNotInCot, Path: "/artifacts", Want: "the digest of one of them", Got: "sha256 " + file.SHA256,
		Message: fmt.Sprintf("%s is none of the %d artifacts in the chain of trust document of %s", file.Path, len(d.names), run),
		Hint:    "fetch the task's own with cot-download: this file is of another task or run, or was changed",
	}
	for _, n := range d.names {
		if n != name && (name != "" || path.Base(n) != path.Base(file.Path)) {
			continue
		}
		theirs := hashed(d.link, n)
		if len(theirs) == 0 {
			continue
		}
		f.Path, f.Want = strictjson.Pointer("/artifacts", n), theirs[0].Algorithm()+" "+theirs[0].Hex()
		f.Message += fmt.Sprintf("; %s there has other bytes", n)
		break
	}
	return f
}

// hashed gives the digests that a document has for a name, whether or not they
// count.
func hashed(l *link, name string) []Digest {
	var d []Digest
	h := l.doc.Artifacts[name]
	if h.SHA256 != nil {
		d = append(d, Digest{sum: h.SHA256})
	}
	if h.SHA512 != nil {
		d = append(d, Digest{sha512: true, sum: h.SHA512})
	}
	return d
}

func artifactOf(run graph.RunRef, name string, digests []Digest) Artifact {
	a := Artifact{TaskID: run.Task.String(), RunID: int(run.Run), Name: name}
	for _, d := range digests {
		if d.Algorithm() == "sha256" {
			a.SHA256 = d.Hex()
		} else {
			a.SHA512 = d.Hex()
		}
	}
	return a
}

// unvouched says that a run has no document to find something in; why, another
// finding says.
func unvouched(t RunTarget, what string) Finding {
	return Finding{
		Rule: RuleCotMissing, derived: true,
		Message: fmt.Sprintf("no verified chain of trust document of %s says what %s is; another finding of this report says why", targetKey(t), what),
	}
}
