package evidence

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// member is one of a bundle's members, as an adversary writes it.
type member struct {
	header tar.Header
	data   []byte
}

// crafted is a small bundle that is put together by hand.
type crafted struct {
	manifest map[string]any
	members  []member // after the manifest
	head     []byte   // instead of the manifest
	first    []member // before it
	tail     []byte   // after the archive's end
	noEnd    bool     // the archive has no end
	options  []zstd.EOption
}

func blobMember(data string) member {
	sum := sha256.Sum256([]byte(data))
	return member{*memberHeader(blobFolder+hex.EncodeToString(sum[:]), int64(len(data))), []byte(data)}
}

func nameOf(m member) string { return strings.TrimPrefix(m.header.Name, blobFolder) }

func craft() *crafted {
	a, b := blobMember("one"), blobMember("two")
	c := &crafted{members: []member{a, b}}
	slices.SortFunc(c.members, func(a, b member) int { return strings.Compare(a.header.Name, b.header.Name) })
	c.manifest = map[string]any{
		"apiVersion": formatVersion, "recordedAt": "2026-06-15T12:00:00Z", "at": nil, "rootUrl": "https://tc.example.com",
		"version": "v1", "targets": []string{}, "groups": []string{}, "verdict": "verified",
		"policy": map[string]any{"name": "p", "sha256": strings.Repeat("0", 64), "files": []any{map[string]any{"name": "", "blob": nameOf(a)}}},
		"answers": []any{
			map[string]any{"question": []string{"crl", "http://a/"}, "blob": nameOf(b)},
			map[string]any{"question": []string{"crl", "http://b/"}, "unavailable": map[string]any{"what": "CRL", "reason": "not found"}},
		},
	}
	return c
}

func (c *crafted) answers() []any {
	list, _ := c.manifest["answers"].([]any)
	return list
}

func (c *crafted) answer(i int) map[string]any {
	m, _ := c.answers()[i].(map[string]any)
	return m
}

func (c *crafted) bytes(t testing.TB) []byte {
	t.Helper()
	head := c.head
	if head == nil {
		var err error
		if head, err = json.Marshal(c.manifest); err != nil {
			t.Fatal(err)
		}
	}
	var archive, out bytes.Buffer
	w := tar.NewWriter(&archive)
	all := slices.Concat(c.first, []member{{*memberHeader(manifestName, int64(len(head))), head}}, c.members)
	for _, m := range all {
		h := m.header
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	end := w.Flush
	if !c.noEnd {
		end = w.Close
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	archive.Write(c.tail)
	z, err := zstd.NewWriter(&out, append([]zstd.EOption{zstd.WithWindowSize(windowBytes)}, c.options...)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(archive.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func opens(t testing.TB, data []byte) error {
	t.Helper()
	b, err := openWithin(t.Context(), bytes.NewReader(data), 1<<20)
	if err == nil {
		err = b.Close()
	}
	return err
}

// Each is a bundle that opens but for one thing.
func TestHostileBundles(t *testing.T) {
	if err := opens(t, craft().bytes(t)); err != nil {
		t.Fatalf("the twin does not open: %v", err)
	}
	onHeader := func(edit func(h *tar.Header)) func(*crafted) {
		return func(c *crafted) { edit(&c.members[0].header) }
	}
	for _, tt := range []struct {
		name string
		edit func(c *crafted)
		says string
	}{
		{"a missing member", func(c *crafted) { c.members = c.members[:1] }, "is missing"},
		{"no member at all", func(c *crafted) { c.members = nil }, "is missing"},
		{"an extra member", func(c *crafted) { c.members = append(c.members, blobMember("three")) }, "none that the manifest names"},
		{"an extra member of the same name", func(c *crafted) { c.members = append(c.members, c.members[1]) }, "none that the manifest names"},
		{"a member before the manifest", func(c *crafted) { c.first, c.members = c.members[:1], c.members[1:] }, "want manifest.json"},
		{"a second manifest", func(c *crafted) {
			c.first = []member{{*memberHeader(manifestName, 2), []byte("{}")}}
		}, "apiVersion"},
		{"members in another order", func(c *crafted) { slices.Reverse(c.members) }, "is there, want"},
		{"other bytes under a digest", func(c *crafted) { c.members[0].data = []byte("ONE") }, "has the SHA-256"},
		{"a path out of the folder", onHeader(func(h *tar.Header) { h.Name = blobFolder + "../../../x" }), "is there, want"},
		{"an absolute path", onHeader(func(h *tar.Header) { h.Name = "/" + h.Name }), "is there, want"},
		{"a path with a dot", onHeader(func(h *tar.Header) { h.Name = "./" + h.Name }), "is there, want"},
		{"a digest in capitals", onHeader(func(h *tar.Header) { h.Name = blobFolder + strings.ToUpper(strings.TrimPrefix(h.Name, blobFolder)) }), "is there, want"},
		{"a symbolic link", func(c *crafted) {
			c.members[0].header.Typeflag, c.members[0].header.Linkname, c.members[0].header.Size, c.members[0].data = tar.TypeSymlink, "/etc/passwd", 0, nil
		}, "plain file"},
		{"a hard link", func(c *crafted) {
			c.members[0].header.Typeflag, c.members[0].header.Linkname, c.members[0].header.Size, c.members[0].data = tar.TypeLink, manifestName, 0, nil
		}, "plain file"},
		{"a device", func(c *crafted) {
			c.members[0].header.Typeflag, c.members[0].header.Size, c.members[0].data = tar.TypeBlock, 0, nil
		}, "plain file"},
		{"a directory", func(c *crafted) {
			h := &c.members[0].header
			h.Typeflag, h.Size, c.members[0].data, h.Name = tar.TypeDir, 0, nil, h.Name+"/"
		}, "is there, want"},
		{"a program", onHeader(func(h *tar.Header) { h.Mode = 0o755 }), "plain file"},
		{"an owner", onHeader(func(h *tar.Header) { h.Uid = 1000 }), "plain file"},
		{"a user", onHeader(func(h *tar.Header) { h.Uname = "root" }), "plain file"},
		{"a time", onHeader(func(h *tar.Header) { h.ModTime = time.Unix(1, 0) }), "plain file"},
		{"extended headers", onHeader(func(h *tar.Header) {
			h.Format, h.PAXRecords = tar.FormatPAX, map[string]string{"X.y": "z"}
		}), "plain file"},
		{"another format", onHeader(func(h *tar.Header) { h.Format = tar.FormatGNU }), "plain file"},
		{"something after the archive", func(c *crafted) { c.tail = make([]byte, tarBlock) }, "follows the archive"},
		{"no end of the archive", func(c *crafted) { c.noEnd = true }, "its end is missing"},
		{"a bomb", func(c *crafted) { c.tail = make([]byte, 2<<20) }, "unpacks to more than"},
		{"a bomb in a member", func(c *crafted) {
			b := blobMember(strings.Repeat("\x00", 2<<20))
			c.members = []member{c.members[0], b}
			c.answer(0)["blob"] = nameOf(b)
			p, _ := c.manifest["policy"].(map[string]any)
			p["files"] = []any{map[string]any{"name": "", "blob": nameOf(c.members[0])}}
			slices.SortFunc(c.members, func(a, b member) int { return strings.Compare(a.header.Name, b.header.Name) })
		}, "unpacks to more than"},
		{"no checksum", func(c *crafted) { c.options = []zstd.EOption{zstd.WithEncoderCRC(false)} }, "no checksum"},

		{"a manifest that is not JSON", func(c *crafted) { c.head = []byte("{") }, manifestName},
		{"two manifests in one", func(c *crafted) { c.head = []byte("{}{}") }, manifestName},
		{"null", func(c *crafted) { c.head = []byte("null") }, "apiVersion"},
		{"another version", func(c *crafted) { c.manifest["apiVersion"] = "cot-evidence/v2" }, "another version"},
		{"an unknown key", func(c *crafted) { c.manifest["more"] = 1 }, "more"},
		{"a key of other case", func(c *crafted) { c.manifest["RootURL"] = "x" }, "RootURL"},
		{"a key that stands twice", func(c *crafted) {
			c.head = []byte(`{"apiVersion":"` + formatVersion + `","apiVersion":"` + formatVersion + `"}`)
		}, "duplicate"},
		{"an unknown key of an answer", func(c *crafted) { c.answer(0)["more"] = 1 }, "more"},
		{"no time", func(c *crafted) { delete(c.manifest, "recordedAt") }, "recordedAt"},
		{"no deployment", func(c *crafted) { delete(c.manifest, "rootUrl") }, "rootUrl"},
		{"no digest of the policy", func(c *crafted) { c.manifest["policy"] = map[string]any{"name": "p", "sha256": "", "files": []any{}} }, "/policy/sha256"},
		{"an answer twice", func(c *crafted) { c.manifest["answers"] = []any{c.answer(0), c.answer(0)} }, "stands twice"},
		{"answers out of order", func(c *crafted) { c.manifest["answers"] = []any{c.answer(1), c.answer(0)} }, "out of order"},
		{"an answer with both", func(c *crafted) { c.answer(1)["blob"] = c.answer(0)["blob"] }, "either a blob or why"},
		{"an answer with neither", func(c *crafted) { delete(c.answer(1), "unavailable") }, "either a blob or why"},
		{"a question that nobody asks", func(c *crafted) { c.answer(1)["question"] = []string{"weather", "http://a/"} }, "none that is asked"},
		{"a question about too much", func(c *crafted) { c.answer(1)["question"] = []string{"crl", "http://a/", "b"} }, "none that is asked"},
		{"an empty question", func(c *crafted) { c.answer(0)["question"] = []string{} }, "empty"},
		{"a digest that is none", func(c *crafted) { c.answer(0)["blob"] = "../../etc/passwd" }, "no SHA-256"},
		{"a digest in capitals in the manifest", func(c *crafted) {
			s, _ := c.answer(0)["blob"].(string)
			c.answer(0)["blob"] = strings.ToUpper(s)
		}, "no SHA-256"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := craft()
			tt.edit(c)
			if err := opens(t, c.bytes(t)); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want an error that says %q", err, tt.says)
			}
		})
	}
}

func TestFileIsOneFrame(t *testing.T) {
	good := craft().bytes(t)
	if err := opens(t, good); err != nil {
		t.Fatal(err)
	}
	skip := []byte("\x50\x2a\x4d\x18\x00\x00\x00\x00")
	empty := []byte("\x28\xb5\x2f\xfd\x24\x00\x01\x00\x00\x99\xe9\xd8\x51") // a frame of nothing
	for name, data := range map[string][]byte{
		"empty": {}, "something else": []byte("hello, world\n"), "cut": good[:len(good)-1], "cut in two": good[:len(good)/2],
		"its header alone": good[:6], "a byte more": append(slices.Clone(good), 0),
		"twice": slices.Concat(good, good), "a frame to skip behind": slices.Concat(good, skip), "a frame to skip before": slices.Concat(skip, good),
		"an empty frame behind": slices.Concat(good, empty), "an empty frame before": slices.Concat(empty, good),
	} {
		if err := opens(t, data); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
	// What says the same in other words (a copy from another run of zeros) opens,
	// but by another digest.
	want := open(t, good)
	opened := 0
	for at := range good {
		spoilt := slices.Clone(good)
		spoilt[at] ^= 0x10
		b, err := Open(t.Context(), bytes.NewReader(spoilt), int64(len(spoilt)))
		if err != nil {
			continue
		}
		opened++
		if b.SHA256() == want.SHA256() || !slices.Equal(b.about.Targets, want.about.Targets) {
			t.Errorf("with byte %d changed it is the same bundle", at)
		}
		_ = b.Close()
	}
	if opened > len(good)/20 {
		t.Errorf("with one byte changed %d of %d open", opened, len(good))
	}
	for descriptor, says := range map[byte]string{13 << 3: "is missing", 14 << 3: "window"} { // 8 and 16 MiB
		frame := slices.Concat([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x04, descriptor}, empty[6:])
		if err := opens(t, frame); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("window descriptor %#x: %v, want an error that says %q", descriptor, err, says)
		}
	}
}

func TestDigestIsOfTheWholeFile(t *testing.T) {
	data := craft().bytes(t)
	b := open(t, data)
	sum := sha256.Sum256(data)
	if b.SHA256() != hex.EncodeToString(sum[:]) {
		t.Errorf("sha256 %s", b.SHA256())
	}
}

// Whatever is written is read: what would be taken for a bomb is not written.
func TestNoBombIsWritten(t *testing.T) {
	r := record(t, newServices(t).sources())
	sum, err := r.pack.add(make([]byte, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	e := &asked{question: question{askCRL, "http://a/"}, kept: true, sum: sum}
	r.asked[e.question.key()] = e
	for free, fine := range map[int64]bool{1 << 20: false, 1<<20 + 8<<10: true} {
		var b bytes.Buffer
		err := r.writeWithin(&b, about(), func(int64) int64 { return free })
		if (err == nil) != fine {
			t.Errorf("%d free: %v", free, err)
		}
		bundle, err := openWithin(t.Context(), bytes.NewReader(b.Bytes()), free)
		if (err == nil) != fine {
			t.Errorf("read with %d free: %v", free, err)
		}
		if err == nil {
			_ = bundle.Close()
		}
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data := craft().bytes(t)
	if _, err := Open(ctx, bytes.NewReader(data), int64(len(data))); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Answers are read as strictly as those of services.
func TestHostileAnswers(t *testing.T) {
	task := `{"status":{"runs":[],"state":"completed","taskId":"` + strings.Repeat("0", 21) + `1"},"task":` + taskText + `}`
	for _, tt := range []struct {
		name     string
		question []string
		good     string
		bad      []string
	}{
		{"task", question{askTask, id(t, 1).String()}, task, []string{
			"{}", "null", task + " {}", strings.Replace(task, "1\"},", "2\"},", 1), strings.Replace(task, "completed", "done", 1),
			strings.Replace(task, `"payload":`, `"payload":{},"payload":`, 1), strings.Replace(task, `"a/b"`, `"a"`, 1),
		}},
		{"group", question{askGroup, "AAAAAAAAQAAAAAAAAAAAAA"}, `{"tasks":[]}`, []string{
			"{", `{"tasks":["x"]}`, `{"tasks":["` + id(t, 1).String() + `"]}`, `{"tasks":[],"more":1}`, `{"tasks":[],"sealed":"now"}`,
		}},
		{"listing", question{askListing, id(t, 1).String() + "/2"}, `[{"name":"a","storageType":"s3"}]`, []string{
			"{}", `[{"name":"a"}]`, `[{"name":"a\u0000","storageType":"s3"}]`, `[{"name":"a","storageType":"s3"},{"name":"a","storageType":"s3"}]`,
		}},
		{"index", question{askIndex, "a.b"}, `"` + id(t, 1).String() + `"`, []string{"1", `"x"`, "null"}},
		{"pushes", question{askPushes, repository(t).Repository.String(), repository(t).Revision.String()}, `[]`, []string{
			"{}", `[{"id":"1","user":"u","date":1,"changesets":[{"node":"x","desc":""}]}]`, `[{"id":"1","user":"u","date":1,"more":1}]`, `[{"date":1.5}]`,
		}},
		{"commit", question{askCommit, repository(t).Repository.String(), repository(t).Revision.String()}, `{"sha":"x"}`, []string{
			"[]", `{"sha":"x","sha":"y"}`, "{\"sha\":\"\xff\"}", strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300),
		}},
		{"ref", question{askRef, repository(t).Repository.String(), "refs/heads/main"}, `{"commit":"` + strings.Repeat("a", 40) + `","object":"` + strings.Repeat("a", 40) + `"}`, []string{
			"{}", `{"commit":"` + strings.Repeat("a", 40) + `"}`,
		}},
		{"pull commits", question{askPullCommits, repository(t).Repository.String(), "5"}, `[]`, []string{`["x"]`, "1"}},
		{"branches", question{askBranches, repository(t).Repository.String(), "m"}, `["a"]`, []string{`[1]`, "{}"}},
		{"contains", question{askContains, repository(t).Repository.String(), repository(t).Revision.String(), "refs/heads/main"}, `true`, []string{`"true"`, "1"}},
	} {
		ask := func(answer string) any {
			m := blobMember(answer)
			c := craft()
			c.members = append(c.members, m)
			c.manifest["answers"] = []any{map[string]any{"question": tt.question, "blob": nameOf(m)}}
			p, _ := c.manifest["policy"].(map[string]any)
			p["files"] = []any{}
			c.members = []member{m}
			return questions(t, t.Context(), open(t, c.bytes(t)).Sources(""))[tt.name]
		}
		if err, failed := ask(tt.good).(error); failed {
			t.Errorf("%s: %q is refused: %v", tt.name, tt.good, err)
		}
		for _, bad := range tt.bad {
			if v := ask(bad); !isError(v) {
				t.Errorf("%s: %q is taken as %v", tt.name, bad, v)
			}
		}
	}
}

// A group's tasks are those that its listing names, each once.
func TestHostileGroups(t *testing.T) {
	group := "AAAAAAAAQAAAAAAAAAAAAA"
	one := `{"status":{"runs":[],"state":"unscheduled","taskId":"` + id(t, 1).String() + `"},"task":` + taskText + `}`
	listing := `{"tasks":["` + id(t, 1).String() + `"]}`
	for _, tt := range []struct {
		name, listing, task string
		fine                bool
	}{
		{"one task", listing, one, true},
		{"of another group", listing, strings.Replace(one, group, strings.Replace(group, "A", "B", 1), 1), false},
		{"another task", listing, strings.Replace(one, id(t, 1).String(), id(t, 2).String(), 1), false},
		{"listed twice", `{"tasks":["` + id(t, 1).String() + `","` + id(t, 1).String() + `"]}`, one, false},
		{"not there", `{"tasks":["` + id(t, 1).String() + `","` + id(t, 2).String() + `"]}`, one, false},
	} {
		a, b := blobMember(tt.listing), blobMember(tt.task)
		c := craft()
		c.members = []member{a, b}
		slices.SortFunc(c.members, func(a, b member) int { return strings.Compare(a.header.Name, b.header.Name) })
		c.manifest["answers"] = []any{
			map[string]any{"question": question{askGroup, group}, "blob": nameOf(a)},
			map[string]any{"question": question{askMember, group, id(t, 1).String()}, "blob": nameOf(b)},
		}
		p, _ := c.manifest["policy"].(map[string]any)
		p["files"] = []any{}
		if v := questions(t, t.Context(), open(t, c.bytes(t)).Sources(""))["group"]; isError(v) == tt.fine {
			t.Errorf("%s: %v", tt.name, v)
		}
	}
}

func isError(v any) bool {
	_, ok := v.(error)
	return ok
}

func FuzzOpen(f *testing.F) {
	good := craft()
	f.Add(good.bytes(f), true)
	f.Add([]byte("hello"), true)
	var plain bytes.Buffer
	z, err := zstd.NewReader(bytes.NewReader(good.bytes(f)))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := io.Copy(&plain, z); err != nil {
		f.Fatal(err)
	}
	f.Add(plain.Bytes(), false)
	f.Fuzz(func(t *testing.T, data []byte, compressed bool) {
		if !compressed {
			var b bytes.Buffer
			w, err := zstd.NewWriter(&b, zstd.WithWindowSize(windowBytes))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(data)
			_ = w.Close()
			data = b.Bytes()
		}
		b, err := Open(t.Context(), bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		defer b.Close()
		for _, v := range questions(t, t.Context(), b.Sources("")) {
			_ = v
		}
	})
}
