package main

import (
	"strings"

	"github.com/mozilla-releng/cot/fixtures"
)

// complete adds to the answers of GitHub's API what GitHub's own have and
// scriptworker's client insists on.
func complete(e *fixtures.EventsWorld) {
	for _, r := range e.GitHubRepositories {
		r.EditAPI = func(path string, answer fixtures.Object) {
			repositories(answer)
			switch kind, name, _ := strings.Cut(path, "/"); kind {
			case "contents":
				page := r.URL() + "/blob/HEAD/" + name
				answer["url"], answer["git_url"], answer["html_url"], answer["download_url"] = page, page, page, page
				answer["_links"] = fixtures.Object{"self": page}
			case "commits":
				answer["files"], answer["stats"] = []any{}, fixtures.Object{"additions": 1, "deletions": 0, "total": 1}
			case "pulls", "releases":
				answer["body_html"], answer["body_text"] = nil, nil // for the media type that it asks for
			}
		}
	}
}

// repositories completes all repositories in an answer.
func repositories(v any) {
	switch v := v.(type) {
	case fixtures.Object:
		if v["full_name"] != nil && v["clone_url"] != nil {
			v["has_projects"] = true
		}
		for _, member := range v {
			repositories(member)
		}
	case []any:
		for _, element := range v {
			repositories(element)
		}
	}
}
