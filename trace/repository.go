package trace

import (
	"context"
	"fmt"
	"path"

	"github.com/mozilla-releng/cot/trace/policy"
)

// repositoryContext gives what the deployment knows of a repository: policy's
// word first, then the project list's. What neither knows is left out, so that
// a template that needs it can't be rendered. branch is for repositories whose
// branches have levels of their own.
func (c *chain) repositoryContext(ctx context.Context, o *origin, kind, branch string) (map[string]any, *Finding) {
	pattern, _ := o.product.Repository(o.tree.Repository)
	level, project := pattern.Level, pattern.Project
	if (level == "" || project == "") && !c.v.policy.Projects.IsZero() {
		known, err := c.projects(ctx)
		if err != nil {
			return nil, c.noProjects(err)
		}
		if p, ok := known.Lookup(o.tree.Repository); ok {
			level, project = orElse(level, levelOf(p, branch)), orElse(project, p.Alias)
		}
	}
	if kind == "git" {
		project = orElse(project, path.Base(o.tree.Repository.Path()))
	}
	values := map[string]any{"url": o.tree.Repository.String(), "type": kind}
	if level != "" {
		values["level"] = level
	}
	if project != "" {
		values["project"] = project
	}
	return values, nil
}

func levelOf(p policy.Project, branch string) string {
	if branch == "" {
		return p.Level
	}
	level, _ := p.BranchLevel(branch)
	return level
}

// branchTrusted tells whether policy trusts a branch of the origin's repository:
// by the branches that it lists there, else by the project list, where a branch
// of level 1 is one that anybody's work gets to.
func (c *chain) branchTrusted(ctx context.Context, o *origin, branch string) (bool, *Finding) {
	pattern, known := o.product.Repository(o.tree.Repository)
	if !known {
		return false, nil
	}
	if len(pattern.Branches) > 0 {
		return pattern.TrustsBranch(branch), nil
	}
	if c.v.policy.Projects.IsZero() {
		return false, nil
	}
	list, err := c.projects(ctx)
	if err != nil {
		return false, c.noProjects(err)
	}
	if err := list.Conflict(o.tree.Repository); err != nil {
		return false, &Finding{Rule: RuleContextUnvouched, Message: err.Error(), Hint: "give the repository's branches in the policy"}
	}
	project, ok := list.Lookup(o.tree.Repository)
	if !ok {
		return false, nil
	}
	level, ok := project.BranchLevel(branch)
	return ok && level > "1", nil
}

func (c *chain) noProjects(err error) *Finding {
	f := unavailable(RuleContextUnvouched, err, "the project list")
	if gone(err) {
		f.Hint = "correct projects in the policy: it names a list that is not there, " + c.v.policy.Projects.URL
	}
	return &f
}

// projects reads the project list once.
func (c *chain) projects(ctx context.Context) (*policy.Projects, error) {
	c.projectsMu.Lock()
	defer c.projectsMu.Unlock()
	if c.projectList == nil {
		data, err := c.v.sources.VCS.Projects(ctx)
		if err != nil {
			return nil, err
		}
		if c.projectList, err = policy.ParseProjects(data); err != nil {
			return nil, fmt.Errorf("the project list: %w", err)
		}
	}
	return c.projectList, nil
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
