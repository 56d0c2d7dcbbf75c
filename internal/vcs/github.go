package vcs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

const (
	publicHost    = "github.com"
	publicAPI     = "https://api.github.com"
	publicRawFile = "https://raw.githubusercontent.com/{path}/{revision}/{file}"
)

// gitHub reads GitHub and GitHub Enterprise Server. What raw files and git's own
// protocol answer is not asked of the API, which counts requests.
type gitHub struct {
	fetch   *fetcher
	api     *api
	git     *git
	rawFile form // "": the API is asked
}

const maxToken = 1000 // bytes

var tokenPattern = regexp.MustCompile(`^[\x21-\x7e]+$`)

func newGitHub(f *fetcher, name string, cfg HostConfig, answers Answers) (*gitHub, error) {
	if cfg.Pushlog != "" {
		return nil, errors.New("a pushlog is for hosts of type hg")
	}
	if cfg.Token != "" && (len(cfg.Token) > maxToken || !tokenPattern.MatchString(cfg.Token)) {
		return nil, errors.New("the token for it has characters that no token has (a newline at its end?)")
	}
	if name == publicHost {
		setDefault(&cfg.API, publicAPI)
		setDefault(&cfg.RawFile, publicRawFile)
	}
	setDefault(&cfg.API, "https://"+name+"/api/v3")
	setDefault(&cfg.Git, "{repo}.git")
	if err := checkURL(cfg.API); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if strings.ContainsAny(cfg.API+cfg.Git, "?#") {
		return nil, errors.New("api and git: a query or a fragment is not allowed")
	}
	g := &gitHub{
		fetch: f,
		api:   &api{fetch: f, base: strings.TrimSuffix(cfg.API, "/"), token: cfg.Token, answers: answers},
		git:   &git{fetch: f, token: cfg.Token},
	}
	var err error
	if g.git.form, err = newForm("git", cfg.Git); err != nil {
		return nil, err
	}
	if cfg.RawFile != "" {
		g.rawFile, err = newForm("rawFile", cfg.RawFile, "{revision}", "{file}")
	}
	return g, err
}

func setDefault(s *string, to string) {
	if *s == "" {
		*s = to
	}
}

// repositoryPattern is what GitHub lets owners and repositories be called.
var repositoryPattern = regexp.MustCompile(`^/[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$`)

// endpoint is the path of a repository in the API, to which more is added.
func endpoint(what string, r tree.Repository, rest string) (string, error) {
	if !repositoryPattern.MatchString(r.Path()) {
		return "", refused(what, quoted(r.Path())+" is not an owner and a repository's name on GitHub", "want https://"+r.Host()+"/OWNER/NAME")
	}
	return "/repos" + r.Path() + rest, nil
}

func (g *gitHub) pushes(_ context.Context, t tree.Tree) ([]trace.Push, error) {
	return nil, refused("pushlog of "+t.String(), t.Repository.Host()+" is a GitHub host, which has no pushlog", "")
}

func (g *gitHub) file(ctx context.Context, t tree.Tree, path string, limit int64) ([]byte, error) {
	what := fmt.Sprintf("file %s of %s", strconv.Quote(path), t)
	missing := "no such file at that revision, or no such revision"
	if err := checkFile(path); err != nil {
		return nil, refused(what, err.Error(), "")
	}
	at, err := endpoint(what, t.Repository, "/contents/"+escapePath(path)+"?ref="+t.Revision.String())
	if err != nil {
		return nil, err
	}
	if g.rawFile != "" {
		if g.api.token == "" {
			missing += "; a private repository needs GITHUB_TOKEN"
		}
		data, err := g.fetch.get(ctx, what, g.rawFile.fill(t, path), limit, missing)
		switch {
		case g.api.token != "" && notFound(err):
			// Raw files of a private repository are not shown without a token,
			// which is the API's alone.
		case healing(err):
			// The API has the same.
			if data, apiErr := g.api.raw(ctx, question{what: what, path: at, missing: missing}, limit); apiErr == nil {
				return data, nil
			}
			return nil, err
		default:
			return data, err
		}
	}
	return g.api.raw(ctx, question{what: what, path: at, missing: missing}, limit)
}

func notFound(err error) bool {
	var u *graph.UnavailableError
	return errors.As(err, &u) && u.Reason == graph.NotFound
}

func (g *gitHub) repository(ctx context.Context, r tree.Repository) (map[string]any, error) {
	what := "repository " + r.String()
	at, err := endpoint(what, r, "")
	if err != nil {
		return nil, err
	}
	o, err := g.api.object(ctx, question{what: what, path: at, missing: "is the name right?"})
	if err != nil {
		return nil, err
	}
	want, got := strings.TrimPrefix(r.Path(), "/"), text(o, "full_name")
	switch {
	case got == want:
		return o, nil
	case strings.EqualFold(got, want):
		return nil, refused(what, "GitHub calls it "+quoted(got), "GitHub takes names in any case, here they are compared exactly: write it as GitHub does")
	}
	return nil, malformed(what, "the answer is about "+quoted(got))
}

func (g *gitHub) commit(ctx context.Context, t tree.Tree) (map[string]any, error) {
	what := "commit " + t.String()
	at, err := endpoint(what, t.Repository, "/commits/"+t.Revision.String())
	if err != nil {
		return nil, err
	}
	// Of an id that it doesn't know GitHub says 422, of an empty repository 409.
	o, err := g.api.object(ctx, question{what: what, path: at, missing: "no such commit in that repository, or no such repository", absent: []int{409, 422}})
	if err != nil {
		return nil, err
	}
	if got := text(o, "sha"); got != t.Revision.String() {
		return nil, malformed(what, "the answer is about commit "+quoted(got))
	}
	return o, nil
}

func (g *gitHub) release(ctx context.Context, r tree.Repository, tag string) (map[string]any, error) {
	what := fmt.Sprintf("release %s of %s", quoted(tag), r)
	if err := checkRef("refs/tags/" + tag); err != nil {
		return nil, refused(what, err.Error(), "")
	}
	at, err := endpoint(what, r, "/releases/tags/"+escapePath(tag))
	if err != nil {
		return nil, err
	}
	o, err := g.api.object(ctx, question{what: what, path: at, missing: "no release has that tag; drafts don't count"})
	if err != nil {
		return nil, err
	}
	if got := text(o, "tag_name"); got != tag {
		return nil, malformed(what, "the answer is about tag "+quoted(got))
	}
	return o, nil
}

// contains asks whether the revision is in the history of what the ref names.
func (g *gitHub) contains(ctx context.Context, t tree.Tree, ref string) (bool, error) {
	tip, err := g.resolve(ctx, t.Repository, ref)
	if err != nil || tip.Commit == t.Revision {
		return err == nil, err
	}
	what := fmt.Sprintf("comparison of %s with %s", t, ref)
	at, err := endpoint(what, t.Repository, fmt.Sprintf("/compare/%s...%s?per_page=1", t.Revision, tip.Commit))
	if err != nil {
		return false, err
	}
	o, err := g.api.object(ctx, question{
		what: what, path: at, missing: "GitHub knows no such commit in that repository or its forks, or the two have no common history",
	})
	switch {
	case notFound(err): // the ref is there, so it is the commit that isn't
		return false, nil
	case err != nil:
		return false, err
	}
	base, _ := o["merge_base_commit"].(map[string]any)
	same := text(base, "sha") == t.Revision.String()
	switch status := text(o, "status"); {
	case status == "ahead" && same:
		return true, nil
	case (status == "behind" || status == "diverged") && !same:
		return false, nil
	default:
		return false, malformed(what, fmt.Sprintf("status %s with merge base %s", quoted(status), quoted(text(base, "sha"))))
	}
}

// text is a member that is a string, "" if it is anything else.
func text(o map[string]any, name string) string {
	s, _ := o[name].(string)
	return s
}

// number tells whether a member is that number.
func number(o map[string]any, name string, want int64) bool {
	n, _ := o[name].(strictjson.Number)
	got, err := n.Int()
	return err == nil && got == want
}
