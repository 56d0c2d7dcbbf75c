package vcs

import (
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/graph"
)

const infoRefs, uploadPack = "GET /o/r.git/info/refs?service=git-upload-pack", "POST /o/r.git/git-upload-pack"

func TestResolveOverGit(t *testing.T) {
	h := newHub(t)
	h.gitSays(
		id(1)+" refs/heads/main symref-target:refs/heads/trunk",
		id(2)+" refs/heads/main2",
		id(3)+" refs/tags/v1 peeled:"+id(4),
	)
	var asked string
	answer := h.git.answers[uploadPack]
	h.git.answers[uploadPack] = func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1000)
		n, _ := r.Body.Read(b)
		asked = string(b[:n])
		answer(w, r)
	}
	c := h.client(withToken)
	repo := project(t).Repository
	for range 2 {
		if got, err := c.Resolve(t.Context(), repo, "refs/heads/main"); err != nil || got.Commit.String() != id(1) {
			t.Errorf("branch: %s, %v", got, err)
		}
	}
	if want := "0014command=ls-refs\n0017object-format=sha1\n00010009peel\n000csymrefs\n001fref-prefix refs/heads/main\n0000"; asked != want {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if got, err := c.Resolve(t.Context(), repo, "refs/tags/v1"); err != nil || got.Commit.String() != id(4) {
		t.Errorf("annotated tag: %s, %v", got, err)
	}
	_, err := c.Resolve(t.Context(), repo, "refs/heads/mai")
	wantReason(t, err, graph.NotFound, "has no such ref", "deleted")
	h.git.wantAsked(t, infoRefs, uploadPack, uploadPack, uploadPack)
	h.api.wantAsked(t)
	for i, header := range h.git.headers {
		if header.Get("Git-Protocol") != "version=2" || header.Get("Authorization") != "" {
			t.Errorf("request %d: %v", i, header)
		}
	}
}

// An older server lists all refs at once.
func TestResolveFromAListing(t *testing.T) {
	listing := line(id(9)+" HEAD\x00multi_ack symref=HEAD:refs/heads/main") + line(id(9)+" refs/heads/main") +
		line(id(1)+" refs/tags/v1") + line(id(2)+" refs/tags/v1^{}") + line(id(3)+" refs/tags/v2") + flush
	for name, before := range map[string]string{
		"version 0": line("# service=git-upload-pack") + flush,
		"version 1": line("# service=git-upload-pack") + flush + line("version 1"),
		"bare":      "",
	} {
		h := newHub(t)
		h.git.answers[infoRefs] = gitAnswer(advertised, before+listing)
		c := h.client(nil)
		for ref, want := range map[string]string{"refs/heads/main": id(9), "refs/tags/v1": id(2), "refs/tags/v2": id(3)} {
			if got, err := c.Resolve(t.Context(), project(t).Repository, ref); err != nil || got.Commit.String() != want {
				t.Errorf("%s, %s: %s, %v, want %s", name, ref, got, err, want)
			}
		}
		_, err := c.Resolve(t.Context(), project(t).Repository, "refs/heads/none")
		wantReason(t, err, graph.NotFound)
		h.git.wantAsked(t, infoRefs)
		h.api.wantAsked(t)
	}
	h := newHub(t)
	h.git.answers[infoRefs] = gitAnswer(advertised, line("# service=git-upload-pack")+flush+line(id(0)+" capabilities^{}\x00side-band")+flush)
	_, err := h.client(nil).Resolve(t.Context(), project(t).Repository, "refs/heads/main")
	wantReason(t, err, graph.NotFound)
}

// What is git's but broken is not asked elsewhere: another answer would hide it.
func TestBrokenGitAnswers(t *testing.T) {
	main := id(1) + " refs/heads/main"
	v2 := func(body string) func(*hub) {
		return func(h *hub) {
			h.gitSays()
			h.git.answers[uploadPack] = gitAnswer(result, body)
		}
	}
	first := func(body string) func(*hub) {
		return func(h *hub) { h.git.answers[infoRefs] = gitAnswer(advertised, body) }
	}
	service := line("# service=git-upload-pack") + flush
	tests := map[string]struct {
		serve func(*hub)
		text  string
	}{
		"no flush at the end":       {v2(line(main)), "ends where a packet is due"},
		"something after the end":   {v2(line(main) + flush + "x"), "1 bytes after the end"},
		"ends within a line":        {v2(line(main)[:20]), "too early"},
		"a length that is none":     {v2("zzzz"), "four hex digits"},
		"a length in capitals":      {v2("00" + "3F" + line(main)[4:] + flush), "four hex digits"},
		"a length of three":         {v2("0003"), `"0003" is none`},
		"an empty line":             {v2("0004"), `"0004" is none`},
		"a line that is too long":   {v2("fff1" + strings.Repeat("x", 0xfff1-4) + flush), `"fff1" is none`},
		"a delimiter":               {v2(line(main) + delim + flush), "delimiter"},
		"an error":                  {v2(line("ERR access denied\x1b[31m")), `says "access denied\x1b[31m"`},
		"no name":                   {v2(line(id(1)) + flush), "is no ref"},
		"an abbreviated id":         {v2(line("0123 refs/heads/main") + flush), "full commit id"},
		"an id of zeros":            {v2(line(id(0)+" refs/heads/main") + flush), "zero"},
		"a broken id of another":    {v2(line(main) + line("x refs/heads/main2") + flush), "full commit id"},
		"a broken peeled id":        {v2(line(main+" peeled:x") + flush), "full commit id"},
		"peeled twice":              {v2(line(main+" peeled:"+id(2)+" peeled:"+id(3)) + flush), "peeled twice"},
		"listed twice":              {v2(line(main) + line(id(2)+" refs/heads/main") + flush), "listed twice"},
		"nothing":                   {first(""), "ends where"},
		"service without flush":     {first(line("# service=git-upload-pack") + line(main)), "no flush"},
		"capabilities without end":  {first(service + line("version 2") + line("ls-refs")), "ends where"},
		"an unknown object format":  {first(service + line("version 2") + line("ls-refs") + line("object-format=md5") + flush), "object format"},
		"a listing without end":     {first(service + line(main+"\x00x")), "ends where"},
		"listing twice":             {first(service + line(main+"\x00x") + line(id(2)+" refs/heads/main") + flush), "listed twice"},
		"a tag's commit by itself":  {first(service + line(main+"\x00x") + line(id(2)+" refs/tags/x^{}") + flush), "follow its tag"},
		"a listing of other things": {first(service + line(main+"\x00x") + line("shallow "+id(2)) + flush), "something else"},
		"an unknown version":        {first(service + line("version 3") + flush), "full commit id"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.api.on("/repos/o/r/git/ref/heads/main", say(200, `{"ref":"refs/heads/main","object":{"type":"commit","sha":"`+id(5)+`"}}`))
			tt.serve(h)
			_, err := h.client(nil).Resolve(t.Context(), project(t).Repository, "refs/heads/main")
			wantReason(t, err, graph.Malformed, tt.text, `ref "refs/heads/main" of https://github.com/o/r`)
			h.api.wantAsked(t)
		})
	}
	for name, serve := range map[string]func(*hub){"version 2": v2(line(main) + flush), "listing": first(service + line(main+"\x00x") + flush)} {
		h := newHub(t)
		serve(h)
		if got, err := h.client(nil).Resolve(t.Context(), project(t).Repository, "refs/heads/main"); err != nil || got.Commit.String() != id(1) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestResolveWhereThereIsNoGit(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", advertised)
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}
	tests := map[string]func(*hub){
		"404":          func(*hub) {},
		"an outage":    func(h *hub) { h.git.answers[infoRefs] = say(503, "") },
		"401":          func(h *hub) { h.git.answers[infoRefs] = say(401, "") },
		"a web page":   func(h *hub) { h.git.answers[infoRefs] = gitAnswer("text/html", "<html>") },
		"a redirect":   func(h *hub) { h.git.answers[infoRefs] = http.RedirectHandler("/elsewhere", 301).ServeHTTP },
		"endless":      func(h *hub) { h.git.answers[infoRefs] = endless },
		"no ls-refs":   func(h *hub) { h.git.answers[infoRefs] = gitAnswer(advertised, line("version 2")+flush) },
		"no POST":      func(h *hub) { h.gitSays(); delete(h.git.answers, uploadPack) },
		"a page after": func(h *hub) { h.gitSays(); h.git.answers[uploadPack] = gitAnswer("text/html", flush) },
	}
	for name, serve := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			serve(h)
			h.api.on("/repos/o/r/git/ref/heads/a%25/b", say(200, `{"ref":"refs/heads/a%/b","object":{"type":"commit","sha":"`+id(5)+`"}}`))
			c := h.client(nil)
			for range 2 {
				if got, err := c.Resolve(t.Context(), project(t).Repository, "refs/heads/a%/b"); err != nil || got.Commit.String() != id(5) {
					t.Errorf("%s, %v", got, err)
				}
			}
			h.api.wantAsked(t, "GET /repos/o/r/git/ref/heads/a%25/b")
		})
	}
	h := newHub(t) // an outage of both is not an absence
	h.git.answers[infoRefs] = say(503, "")
	h.api.on("/repos/o/r/git/ref/heads/main", say(503, ""))
	_, err := h.client(nil).Resolve(t.Context(), project(t).Repository, "refs/heads/main")
	wantReason(t, err, graph.ServerError)
}

func TestResolveFromTheAPI(t *testing.T) {
	ref := func(kind, sha string) string {
		return `{"ref":"refs/tags/v1","object":{"type":"` + kind + `","sha":"` + sha + `"}}`
	}
	tag := func(own, kind, sha string) string {
		return `{"sha":"` + own + `","object":{"type":"` + kind + `","sha":"` + sha + `"}}`
	}
	tests := map[string]struct {
		ref    string
		tags   []string // of id(1), id(2) …
		reason graph.Reason
		text   string
	}{
		"lightweight":        {ref("commit", id(9)), nil, "", ""},
		"annotated":          {ref("tag", id(1)), []string{tag(id(1), "commit", id(9))}, "", ""},
		"a tag of a tag":     {ref("tag", id(1)), []string{tag(id(1), "tag", id(2)), tag(id(2), "commit", id(9))}, "", ""},
		"a tag of itself":    {ref("tag", id(1)), []string{tag(id(1), "tag", id(1))}, graph.TooLarge, "more than 5"},
		"of a tree":          {ref("tag", id(1)), []string{tag(id(1), "tree", id(9))}, graph.Malformed, `found "tree"`},
		"another tag":        {ref("tag", id(1)), []string{tag(id(2), "commit", id(9))}, graph.Malformed, "was asked for"},
		"gone":               {ref("tag", id(1)), nil, graph.NotFound, "the tag is gone"},
		"another ref":        {strings.Replace(ref("commit", id(9)), "v1", "v10", 1), nil, graph.Malformed, "refs/tags/v10"},
		"an abbreviated sha": {ref("commit", "0123"), nil, graph.Malformed, "/object/sha"},
		"no object":          {`{"ref":"refs/tags/v1"}`, nil, graph.Malformed, "/object/sha"},
		"several":            {"[" + ref("commit", id(9)) + "]", nil, graph.Malformed, "want a JSON object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.api.on("/repos/o/r/git/ref/tags/v1", say(200, tt.ref))
			for i, s := range tt.tags {
				h.api.on("/repos/o/r/git/tags/"+id(i+1), say(200, s))
			}
			got, err := h.client(nil).Resolve(t.Context(), project(t).Repository, "refs/tags/v1")
			if tt.reason != "" {
				wantReason(t, err, tt.reason, tt.text)
			} else if err != nil || got.Commit.String() != id(9) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

// The token goes to git only where git wants it, and to nobody that git names.
func TestGitOfAPrivateRepository(t *testing.T) {
	for _, status := range []int{401, 404} {
		h := newHub(t)
		h.gitSays(id(1) + " refs/heads/main")
		for _, key := range []string{infoRefs, uploadPack} {
			answer := h.git.answers[key]
			h.git.answers[key] = func(w http.ResponseWriter, r *http.Request) {
				if user, password, _ := r.BasicAuth(); user != "x-access-token" || password != token {
					say(status, "")(w, r)
					return
				}
				answer(w, r)
			}
		}
		if got, err := h.client(withToken).Resolve(t.Context(), project(t).Repository, "refs/heads/main"); err != nil || got.Commit.String() != id(1) {
			t.Errorf("with a token: %s, %v", got, err)
		}
		h.git.wantAsked(t, infoRefs, infoRefs, uploadPack)
		if got := h.git.authorizations(); got[0] != "" || got[1] == "" || got[2] == "" {
			t.Errorf("authorizations %q", got)
		}
		h.api.wantAsked(t)
		_, err := h.client(nil).Resolve(t.Context(), project(t).Repository, "refs/heads/main")
		wantReason(t, err, graph.NotFound, "set GITHUB_TOKEN")
	}
	h := newHub(t)
	elsewhere := newOrigin(t)
	for _, status := range []int{302, 307, 308} {
		h.git.answers[infoRefs] = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				say(401, "")(w, r)
				return
			}
			http.Redirect(w, r, elsewhere.URL, status)
		}
		_, err := h.client(withToken).Resolve(t.Context(), project(t).Repository, "refs/heads/main")
		wantReason(t, err, graph.NotFound)
	}
	elsewhere.wantAsked(t)
}

func TestRefNames(t *testing.T) {
	for _, ref := range []string{
		"refs/heads/main", "refs/heads/a/b-c_d.e", "refs/pull/12/head", "refs/tags/v1.0+x", "refs/heads/ä", "refs/heads/a@b", "refs/heads/" + strings.Repeat("x", 244), "refs/heads/@",
	} {
		if err := checkRef(ref); err != nil {
			t.Errorf("%q: %v", ref, err)
		}
	}
	h := newHub(t)
	c := h.client(nil)
	for _, ref := range []string{
		"", "main", "heads/main", "HEAD", "refs/", "refs/main", "refs/heads/", "refs/heads//x", "/refs/heads/x", "refs/heads/x/", "refs/heads/.x", "refs/heads/x.lock",
		"refs/heads/x.lock/y", "refs/heads/x..y", "refs/heads/x.", "refs/heads/x y", "refs/heads/x\n", "refs/heads/x\x00", "refs/heads/x\x7f", "refs/heads/x~1", "refs/heads/x^",
		"refs/heads/x:y", "refs/heads/x?", "refs/heads/*", "refs/heads/[x", `refs/heads/x\y`, "refs/heads/x@{1}", "refs/heads/\xff", "refs/heads/" + strings.Repeat("x", 245),
	} {
		_, err := c.Resolve(t.Context(), project(t).Repository, ref)
		wantReason(t, err, graph.Refused, "not the name of a ref")
		_, err = c.Contains(t.Context(), project(t), ref)
		wantReason(t, err, graph.Refused, "not the name of a ref")
	}
	_, err := c.Release(t.Context(), project(t).Repository, "../v1")
	wantReason(t, err, graph.Refused, "not the name of a ref")
	h.git.wantAsked(t)
	h.api.wantAsked(t)
}

// What git itself says is what we read.
func TestRealGit(t *testing.T) {
	program := needed.Program(t, "git")
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(program, append([]string{"-C", filepath.Join(dir, "o", "r.git")}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.MkdirAll(filepath.Join(dir, "o", "r.git"), 0o755); err != nil {
		t.Fatal(err)
	}
	run("init", "-q", "--bare", ".")
	h := newHub(t)
	for _, version := range []string{"0", "1", "2"} {
		handler := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{
			"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_PROTOCOL=version=" + version, "GIT_CONFIG_GLOBAL=/dev/null",
		}}
		serve := func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Git-Protocol")
			handler.ServeHTTP(w, r)
		}
		h.git.answers[infoRefs], h.git.answers[uploadPack] = serve, serve
		_, err := h.client(nil).Resolve(t.Context(), project(t).Repository, "refs/heads/none")
		wantReason(t, err, graph.NotFound, "has no such ref")
		if version == "0" {
			tree := run("mktree", "--missing") // of nothing
			commit := run("commit-tree", "-m", "x", tree)
			run("update-ref", "refs/heads/main", commit)
			run("update-ref", "refs/heads/main2", run("commit-tree", "-m", "y", tree))
			run("tag", "-a", "-m", "v1", "v1", commit)
			run("tag", "-a", "-m", "v2", "v2", "v1")
		}
		c := h.client(nil)
		for ref, want := range map[string]string{
			"refs/heads/main": run("rev-parse", "main"), "refs/heads/main2": run("rev-parse", "main2"), "refs/tags/v1": run("rev-parse", "main"), "refs/tags/v2": run("rev-parse", "main"),
		} {
			if got, err := c.Resolve(t.Context(), project(t).Repository, ref); err != nil || got.Commit.String() != want {
				t.Errorf("version %s, %s: %s, %v, want %s", version, ref, got, err, want)
			}
		}
	}
	h.api.wantAsked(t)
}
