package trace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// artifacts names the report's artifacts, each with its verdict.
func artifacts(r *trace.Report) []string {
	var out []string
	for _, a := range r.Artifacts {
		out = append(out, fmt.Sprintf("%s %s", a.Name, a.Verdict))
	}
	return out
}

func fileOf(c *fixtures.Content, path string) (trace.File, string) {
	return trace.File{Path: path, SHA256: c.SHA256(), Bytes: c.Size()}, c.SHA512()
}

func wantFinding(t *testing.T, r *trace.Report, rule trace.Rule, words ...string) {
	t.Helper()
	for _, f := range r.Findings {
		text := fmt.Sprint(f.Message, f.Path, f.Want, f.Got)
		if f.Rule == rule && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			return
		}
	}
	t.Errorf("no finding %s with %q: %+v", rule, words, r.Findings)
}

func TestNamedArtifacts(t *testing.T) {
	w := serve(t)
	target := mustTarget(t, w.StorageTask.ID)
	for name, rule := range map[string]trace.Rule{
		fixtures.StorageNames[fixtures.StorageS3]:        "",
		fixtures.StorageNames[fixtures.StorageObject]:    "",
		fixtures.StorageNames[fixtures.StorageReference]: trace.RuleArtifactUnavailable,
		fixtures.StorageNames[fixtures.StorageLink]:      trace.RuleArtifactUnavailable,
		fixtures.StorageNames[fixtures.StorageError]:     trace.RuleArtifactUnavailable,
		"public/S3.bin":              trace.RuleArtifactNotInCot,
		"public/chain-of-trust.json": trace.RuleArtifactNotInCot,
	} {
		r := w.verifyTargets(target)
		r.AddNamed(target, name)
		r.Conclude()
		wantValid(t, r)
		if rule == "" {
			wantVerdict(t, r, trace.Verified)
			if a := r.Artifacts[0]; a.SHA256 != w.StorageTask.Artifact(name).SHA256() || a.Hashed || a.Verdict != trace.Verified {
				t.Errorf("%+v", a)
			}
			continue
		}
		wantVerdict(t, r, trace.Untrusted)
		wantFinding(t, r, rule, name)
		if len(r.Artifacts) != 0 {
			t.Errorf("%s: %q", name, artifacts(r))
		}
	}
}

// An artifact is no better than its task, and of a task without a document
// nothing is said.
func TestNamedArtifactsOfOthers(t *testing.T) {
	w := serve(t)
	name := w.ForkBuild.Last().Artifacts[0].Name
	fork, unsigned := mustTarget(t, w.ForkBuild.ID), mustTarget(t, w.Unsigned.ID)
	r := w.verifyTargets(fork)
	r.AddNamed(fork, name)
	r.Conclude()
	wantVerdict(t, r, trace.Untrusted)
	if !slices.Equal(artifacts(r), []string{name + " untrusted"}) {
		t.Errorf("%q", artifacts(r))
	}
	r = w.verifyTargets(unsigned)
	r.AddNamed(unsigned, name)
	r.Conclude()
	wantVerdict(t, r, trace.Untrusted)
	wantFinding(t, r, trace.RuleCotMissing, w.Unsigned.ID, name)
	if len(r.Artifacts) != 0 {
		t.Errorf("%q", artifacts(r))
	}
	// What could not be had may come.
	w.server.Fault(fixtures.Fault{Match: fixtures.PathHas("/" + w.Build.ID + "/0/public/chain-of-trust.json"), Status: 503, RetryAfter: "0"})
	build := mustTarget(t, w.Build.ID)
	r = w.verifyTargets(build)
	r.AddNamed(build, "public/build/target.json")
	r.Conclude()
	wantVerdict(t, r, trace.Undetermined)
}

func TestFiles(t *testing.T) {
	w := serve(t)
	target := mustTarget(t, w.StorageTask.ID)
	s3 := fixtures.StorageNames[fixtures.StorageS3]
	content := w.StorageTask.Artifact(s3).Honest()
	other := w.Fetch.Artifact("public/sources.tar.xz").Honest()
	for _, c := range []struct {
		name, path, only string
		content          *fixtures.Content
		found            bool
		words            []string
	}{
		{"by its bytes", "elsewhere.bin", "", content, true, nil},
		{"the artifact that is named", "elsewhere.bin", s3, content, true, nil},
		{"another artifact is named", "s3.bin", "public/object.bin", content, false, []string{"public/object.bin there has other bytes"}},
		{"a name that is none", "s3.bin", "public/x.bin", content, false, []string{"none of the"}},
		{"one bit changed", "dir/s3.bin", "", content.Flip(7), false, []string{"dir/s3.bin is none", s3 + " there has other bytes", "/artifacts/public~1s3.bin", content.SHA256(), content.Flip(7).SHA256()}},
		{"one byte more", "x", "", content.Append([]byte{0}), false, []string{"x is none"}},
		{"of another task", "sources.tar.xz", "", other, false, []string{"sources.tar.xz is none"}},
		{"empty", "x", "", fixtures.Bytes(nil), false, []string{"x is none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := w.within(t).verifyTargets(target)
			file, sha512 := fileOf(c.content, c.path)
			r.AddFile(target, file, sha512, c.only)
			r.Conclude()
			wantValid(t, r)
			if !c.found {
				wantVerdict(t, r, trace.Untrusted)
				wantFinding(t, r, trace.RuleArtifactNotInCot, c.words...)
				if len(r.Artifacts) != 0 {
					t.Errorf("%q", artifacts(r))
				}
				return
			}
			wantVerdict(t, r, trace.Verified)
			if !slices.Equal(artifacts(r), []string{s3 + " verified"}) || !r.Artifacts[0].Hashed || r.Artifacts[0].Bytes != c.content.Size() {
				t.Errorf("%+v", r.Artifacts)
			}
			if r.Target.File == nil || *r.Target.File != file {
				t.Errorf("%+v", r.Target.File)
			}
		})
	}
}

// What a document claims counts only as an artifact that the queue lists, and
// every digest that it has must be the file's.
func TestFilesOfDocumentsThatClaim(t *testing.T) {
	w := serve(t)
	content := fixtures.Bytes([]byte("made elsewhere\n"))
	file, sha512 := fileOf(content, "x")
	target := mustTarget(t, w.Build.ID)
	claim := func(entry fixtures.Object) *trace.Report {
		w.Edit(func() {
			w.Build.Last().Document.Edit = func(doc fixtures.Object) {
				list, _ := doc["artifacts"].(fixtures.Object)
				list["public/x"] = entry
			}
		})
		r := w.verifyTargets(target)
		r.AddFile(target, file, sha512, "")
		r.Conclude()
		wantValid(t, r)
		return r
	}
	r := claim(fixtures.Object{"sha256": content.SHA256()})
	wantVerdict(t, r, trace.Untrusted)
	wantFinding(t, r, trace.RuleArtifactUnavailable, "public/x", "does not list")
	w.Edit(func() { w.Build.Last().Add(fixtures.File("public/x", content)) })
	for _, good := range []fixtures.Object{
		{"sha256": content.SHA256()}, {"sha512": content.SHA512()}, {"sha256": content.SHA256(), "sha512": content.SHA512()},
	} {
		r := claim(good)
		wantVerdict(t, r, trace.Verified)
		if !slices.Equal(artifacts(r), []string{"public/x verified"}) {
			t.Errorf("%q", artifacts(r))
		}
	}
	// That the document has them under a name that is not listed, too, takes
	// nothing from the one that is.
	w.Edit(func() { w.Build.Last().Add(fixtures.File("public/y", content)) })
	r = claim(fixtures.Object{"sha256": content.SHA256()})
	wantVerdict(t, r, trace.Verified)
	if !slices.Equal(artifacts(r), []string{"public/x verified", "public/y verified"}) {
		t.Errorf("%q", artifacts(r))
	}
	w.Edit(func() { w.Build.Artifact("public/x").Unlisted = true })
	r = claim(fixtures.Object{"sha256": content.SHA256()})
	wantVerdict(t, r, trace.Verified)
	if !slices.Equal(artifacts(r), []string{"public/y verified"}) {
		t.Errorf("%q", artifacts(r))
	}
	w.Edit(func() {
		w.Build.Artifact("public/x").Unlisted = false
		w.Build.Last().Remove("public/y")
	})
	for _, bad := range []fixtures.Object{
		{"sha256": content.SHA256(), "sha512": content.Flip(1).SHA512()}, {"sha256": content.Flip(1).SHA256(), "sha512": content.SHA512()},
	} {
		r := claim(bad)
		wantVerdict(t, r, trace.Untrusted)
		wantFinding(t, r, trace.RuleArtifactNotInCot, "public/x there has other bytes")
	}
}
