package vcs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// maxTagDepth bounds tags of tags.
const maxTagDepth = 5

// resolve gives the commit of a ref: from git, and where that can't be had from
// the API.
func (g *gitHub) resolve(ctx context.Context, r tree.Repository, ref string) (trace.Ref, error) {
	what := fmt.Sprintf("ref %s of %s", quoted(ref), r)
	if err := checkRef(ref); err != nil {
		return trace.Ref{}, refused(what, err.Error(), "")
	}
	at, err := endpoint(what, r, "/git/ref/"+escapePath(strings.TrimPrefix(ref, "refs/")))
	if err != nil {
		return trace.Ref{}, err
	}
	found, err := g.git.resolve(ctx, what, r, ref)
	if !errors.Is(err, errNotGit) && !healing(err) {
		return found, err
	}
	o, err := g.api.object(ctx, question{what: what, path: at, missing: "no such branch or tag, or no such repository"})
	if err != nil {
		return trace.Ref{}, err
	}
	if got := text(o, "ref"); got != ref {
		return trace.Ref{}, malformed(what, "the answer is about "+quoted(got))
	}
	target, _ := o["object"].(map[string]any)
	if found.Object, err = parseID(text(target, "sha")); err != nil {
		return trace.Ref{}, malformed(what, "/object/sha: "+err.Error())
	}
	found.Commit, err = g.peel(ctx, what, r, o)
	return found, err
}

func healing(err error) bool {
	var u *graph.UnavailableError
	return errors.As(err, &u) && u.Reason.Heals()
}

// peel follows annotated tags, from the object that holds the first, to a
// commit.
func (g *gitHub) peel(ctx context.Context, what string, r tree.Repository, o map[string]any) (tree.Revision, error) {
	for range maxTagDepth {
		target, _ := o["object"].(map[string]any)
		id := text(target, "sha")
		rev, err := parseID(id)
		if err != nil {
			return tree.Revision{}, malformed(what, "/object/sha: "+err.Error())
		}
		switch kind := text(target, "type"); kind {
		case "commit":
			return rev, nil
		case "tag":
		default:
			return tree.Revision{}, malformed(what, "want a commit or a tag, found "+quoted(kind))
		}
		at, err := endpoint(what, r, "/git/tags/"+id)
		if err != nil {
			return tree.Revision{}, err
		}
		if o, err = g.api.object(ctx, question{what: what, path: at, missing: "the tag is gone"}); err != nil {
			return tree.Revision{}, err
		}
		if got := text(o, "sha"); got != id {
			return tree.Revision{}, malformed(what, fmt.Sprintf("tag %s was asked for, the answer is about %s", id, quoted(got)))
		}
	}
	return tree.Revision{}, &graph.UnavailableError{What: what, Reason: graph.TooLarge, Detail: fmt.Sprintf("tags of tags, more than %d deep", maxTagDepth)}
}
