package cli

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/mozilla-releng/cot/fixtures"
)

// opened is a bundle taken apart, so that an adversary can put it together anew.
type opened struct {
	manifest map[string]any
	blobs    map[string][]byte
}

func takeApart(t *testing.T, name string) *opened {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(read(t, filepath.Dir(name), filepath.Base(name))))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	o := &opened{blobs: map[string][]byte{}}
	for members := tar.NewReader(z); ; {
		h, err := members.Next()
		if err == io.EOF {
			return o
		}
		data, err2 := io.ReadAll(members)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if h.Name == "manifest.json" {
			if err := json.Unmarshal(data, &o.manifest); err != nil {
				t.Fatal(err)
			}
			continue
		}
		o.blobs[strings.TrimPrefix(h.Name, "blobs/sha256/")] = data
	}
}

// find gives the records of the answers to the questions that have all the words.
func (o *opened) find(t *testing.T, words ...string) []map[string]any {
	t.Helper()
	var out []map[string]any
	answers, _ := o.manifest["answers"].([]any)
	for _, a := range answers {
		m, _ := a.(map[string]any)
		asked, _ := json.Marshal(m["question"])
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(string(asked), w) }) {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		t.Fatalf("nothing was asked about %q", words)
	}
	return out
}

func (o *opened) answer(t *testing.T, words ...string) []byte {
	sum, _ := o.find(t, words...)[0]["blob"].(string)
	return o.blobs[sum]
}

// forget takes out the answers to these questions.
func (o *opened) forget(t *testing.T, words ...string) {
	gone := o.find(t, words...)
	answers, _ := o.manifest["answers"].([]any)
	o.manifest["answers"] = slices.DeleteFunc(answers, func(a any) bool {
		m, _ := a.(map[string]any)
		return slices.ContainsFunc(gone, func(g map[string]any) bool { return fmt.Sprint(g["question"]) == fmt.Sprint(m["question"]) })
	})
}

// replace puts another answer in the place of those to the questions that have
// all the words, each with its right digest.
func (o *opened) replace(t *testing.T, edit func([]byte) []byte, words ...string) {
	t.Helper()
	found := false
	for _, m := range o.find(t, words...) {
		old, _ := m["blob"].(string)
		if old == "" {
			continue
		}
		data := edit(bytes.Clone(o.blobs[old]))
		if bytes.Equal(data, o.blobs[old]) {
			continue
		}
		sum := sha256.Sum256(data)
		m["blob"], found = hex.EncodeToString(sum[:]), true
		o.blobs[hex.EncodeToString(sum[:])] = data
	}
	if !found {
		t.Fatalf("no answer to %q is changed", words)
	}
}

// write puts the bundle together, with no blob that is not wanted any more.
func (o *opened) write(t *testing.T, name string) {
	t.Helper()
	wanted := map[string]bool{}
	policy, _ := o.manifest["policy"].(map[string]any)
	for _, list := range []any{o.manifest["answers"], policy["files"]} {
		entries, _ := list.([]any)
		for _, a := range entries {
			m, _ := a.(map[string]any)
			if s, ok := m["blob"].(string); ok {
				wanted[s] = true
			}
		}
	}
	head, err := json.Marshal(o.manifest)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	members := tar.NewWriter(z)
	add := func(name string, data []byte) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := members.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := members.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	add("manifest.json", head)
	for _, sum := range slices.Sorted(maps.Keys(wanted)) {
		add("blobs/sha256/"+sum, o.blobs[sum])
	}
	if err := errors.Join(members.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	write(t, name, b.String(), 0o600)
}

// Whoever writes a bundle can make up what the queue and version control said,
// with every digest in it right.
func TestBundleThatNobodyVouchesFor(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	_, bundle, sum := r.record(0, w.Signing.ID)

	r.want(r.verify("--offline", bundle, "--evidence-sha256", sum), 0)
	o := r.verify("--offline", bundle)
	r.want(o, 1, "evidence-unvouched")
	if !strings.Contains(o.stderr, "--evidence-sha256 "+sum) {
		t.Errorf("the digest that was found is not said: %s", o.stderr)
	}
	tasks, _ := o.report["tasks"].([]any)
	for _, task := range tasks {
		if m, _ := task.(map[string]any); m["verdict"] != "untrusted" {
			t.Errorf("a task of an unvouched bundle is %v", m["verdict"])
		}
	}
	other := strings.Repeat("0", 64)
	o = r.verify("--offline", bundle, "--evidence-sha256", other)
	r.want(o, 1, "evidence-unvouched")
	if !strings.Contains(o.stderr, "sha256 "+other) || !strings.Contains(o.stderr, "sha256 "+sum) {
		t.Errorf("want and got are not said: %s", o.stderr)
	}

	repacked := r.path("repacked")
	takeApart(t, bundle).write(t, repacked)
	r.want(r.verify("--offline", repacked, "--evidence-sha256", sumOf(t, repacked)), 0) // the twin: put together as they are
	r.want(r.verify("--offline", repacked, "--evidence-sha256", sum), 1, "evidence-unvouched")

	// A revision that the tree does not have, until its push is made up; a run
	// that failed, until its status is.
	for name, made := range map[string]func(o *opened){
		"another answer of version control": func(o *opened) {
			o.replace(t, func(b []byte) []byte { return bytes.Replace(b, []byte(`"user":"`), []byte(`"user":"x`), 1) }, `"pushes"`)
		},
		"another status": func(o *opened) {
			o.replace(t, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"state":"completed","taskId"`), []byte(`"state":"running","taskId"`), 1)
			}, `"task"`, w.Build.ID)
		},
		"a made-up verdict": func(o *opened) { o.manifest["verdict"] = "accepted" },
	} {
		b := takeApart(t, bundle)
		made(b)
		b.write(t, repacked)
		if o := r.verify("--offline", repacked); o.code != 1 || !slices.Contains(o.rules(), "evidence-unvouched") {
			t.Errorf("%s: exit code %d, %q", name, o.code, o.rules())
		}
		r.want(r.verify("--offline", repacked, "--evidence-sha256", sum), 1, "evidence-unvouched")
	}

	// What is signed can't be made up, whoever vouches for it.
	b := takeApart(t, bundle)
	b.replace(t, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, `"artifact"`, w.Build.ID, fixtures.DocumentName+`"`)
	b.write(t, repacked)
	if o := r.verify("--offline", repacked, "--evidence-sha256", sumOf(t, repacked)); o.code != 1 || !slices.Contains(o.rules(), "signature-invalid") {
		t.Errorf("a changed document: exit code %d, %q", o.code, o.rules())
	}
}

func TestBundleWithAByteChanged(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	_, bundle, sum := r.record(0, w.Build.ID)
	data := read(t, r.dir, "bundle")
	r.want(r.verify("--offline", bundle, "--evidence-sha256", sum), 0)
	spoilt := r.path("spoilt")
	for i := range 40 {
		at := i * (len(data) - 1) / 39
		write(t, spoilt, string(flipped(data, at)), 0o600)
		if o := r.verify("--offline", spoilt, "--evidence-sha256", sum); o.code != 1 {
			t.Errorf("byte %d: exit code %d: %s", at, o.code, o.stderr)
		}
		if o := r.verify("--offline", spoilt); o.code == 0 || o.code == 75 {
			t.Errorf("byte %d, unvouched: exit code %d: %s", at, o.code, o.stderr)
		}
	}
	for name, content := range map[string]string{
		"cut": string(data[:len(data)-1]), "empty": "", "followed by a byte": string(data) + "\x00",
		"twice": string(data) + string(data), "followed by a frame to skip": string(data) + "\x50\x2a\x4d\x18\x00\x00\x00\x00",
		"something else": "hello\n",
	} {
		write(t, spoilt, content, 0o600)
		if o := r.verify("--offline", spoilt, "--evidence-sha256", sum); o.code != 1 {
			t.Errorf("%s: exit code %d: %s", name, o.code, o.stderr)
		}
		if o := r.verify("--offline", spoilt, "--evidence-sha256", sumOf(t, spoilt)); o.code != exitUsage || o.report != nil {
			t.Errorf("%s, with its own digest: exit code %d: %s", name, o.code, o.stderr)
		}
	}
}

// The caller's policy judges, and asks for what it needs.
func TestBundleUnderAnotherPolicy(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	_, bundle, sum := r.record(0, w.Build.ID)
	vouched := []string{"--offline", bundle, "--evidence-sha256", sum}
	text := string(read(t, r.dir, "policy.yml"))
	judge := func(old, replacement string) outcome {
		t.Helper()
		changed := strings.Replace(text, old, replacement, 1)
		if changed == text {
			t.Fatalf("the policy does not have %q", old)
		}
		write(t, r.path("policy.yml"), changed, 0o600)
		return r.verify(vouched...)
	}
	o := judge("name: ", "name: other-")
	r.want(o, 0)
	if notes := fmt.Sprint(o.report["notes"]); !strings.Contains(notes, "another policy, fixtures-1") {
		t.Errorf("the other policy is not noted: %s", notes)
	}
	r.want(judge("rootUrl: http://", "rootUrl: https://"), exitUsage)
	if o := judge("docker-worker", "generic-worker"); o.code != 1 || !slices.Contains(o.rules(), "signer-unauthorized") {
		t.Errorf("without the key: exit code %d, %q", o.code, o.rules())
	}
	if o := judge("projects: http", "projects: https"); o.code != 1 || !slices.Contains(o.rules(), "evidence-unavailable") {
		t.Errorf("with another project list: exit code %d, %q\n%s", o.code, o.rules(), o.stderr)
	}
	// One that has its list in a file needs no answer about it.
	list := takeApart(t, bundle).answer(t, `"projects"`)
	write(t, r.path("projects.yml"), string(list), 0o600)
	at := strings.Index(text, "projects: http")
	url, _, _ := strings.Cut(text[at+len("projects: "):], "\n")
	r.want(judge(url, "projects.yml"), 0)
	write(t, r.path("projects.yml"), strings.ReplaceAll(string(list), "mozilla-central", "mozilla-other"), 0o600)
	if o := judge(url, "projects.yml"); o.code != 1 {
		t.Errorf("with a file of other projects: exit code %d: %s", o.code, o.stderr)
	}
	write(t, r.path("policy.yml"), text, 0o600)
	if notes := fmt.Sprint(r.verify(vouched...).report["notes"]); strings.Contains(notes, "another policy") {
		t.Errorf("the same policy is noted as another: %s", notes)
	}
}

// What the bundle was not made for it has no answer to: that heals by no retry,
// and is no absence.
func TestBundleIsNotAskedForMore(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	_, bundle, sum := r.record(0, w.Build.ID)
	vouched := []string{"--offline", bundle, "--evidence-sha256", sum}
	r.want(r.verify(append(vouched, w.Decision.ID)...), 0) // it was a link of the chain
	for _, args := range [][]string{{w.Signing.ID}, {"--group", w.Decision.ID}, {"index:" + "gecko.v2.none"}} {
		o := r.verify(append(vouched, args...)...)
		if o.code != 1 || !slices.Contains(o.rules(), "evidence-unavailable") || !strings.Contains(o.stderr, "not recorded") {
			t.Errorf("%q: exit code %d, %q: %s", args, o.code, o.rules(), o.stderr)
		}
	}
}

// What a bundle lacks was not lost by storage, nor is it absent.
func TestBundleThatLacksAnAnswer(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	_, bundle, _ := r.record(0, w.Build.ID)
	lacking := r.path("lacking")
	for _, words := range [][]string{
		{`"task"`, w.Decision.ID},
		{`"artifacts"`, w.Build.ID},
		{`"artifact"`, w.Build.ID, fixtures.DocumentName + `"`},
		{`"artifact"`, w.Build.ID, fixtures.SignatureName},
		{`"artifact"`, "public/task-graph.json"},
		{`"pushes"`},
		{`"file"`, ".taskcluster.yml"},
		{`"projects"`},
	} {
		b := takeApart(t, bundle)
		b.forget(t, words...)
		b.write(t, lacking)
		o := r.verify("--offline", lacking, "--evidence-sha256", sumOf(t, lacking))
		if o.code != 1 || !slices.Contains(o.rules(), "evidence-unavailable") || strings.Contains(o.stderr, "storage lost") {
			t.Errorf("without %q: exit code %d, %q: %s", words, o.code, o.rules(), o.stderr)
		}
	}
}

// Nothing of who asked is in the answers.
func TestBundleHasNoSecrets(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	r.env = map[string]string{
		"GITHUB_TOKEN": "ghs_secretsecret", "TASKCLUSTER_CLIENT_ID": w.Clients[0].ID, "TASKCLUSTER_ACCESS_TOKEN": w.Clients[0].AccessToken,
		"TASKCLUSTER_ROOT_URL": r.server.RootURL, "TASK_ID": w.Signing.ID,
	}
	w.Build.Artifact(fixtures.SignatureName).Lost = true // and of what is refused, no address
	_, bundle, _ := r.record(1, w.Build.ID, w.StorageTask.ID)
	b := takeApart(t, bundle)
	head, err := json.Marshal(b.manifest)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range append(slices.Collect(maps.Values(b.blobs)), head) {
		for _, secret := range []string{"ghs_secretsecret", w.Clients[0].AccessToken, "Authorization", "X-Amz-", "Signature=", r.server.StoreURL} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%q is in the bundle: %.300s", secret, data)
			}
		}
	}
	if !bytes.Contains(head, []byte(w.Signing.ID)) {
		t.Error("the task that it was made in is not in the bundle")
	}
}
