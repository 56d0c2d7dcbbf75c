package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mozilla-releng/cot/trace/tree"
)

// MaxProjectsBytes bounds a project list.
const MaxProjectsBytes = 16 << 20

// Projects is a deployment's project list (projects.yml of fxci-config).
type Projects struct {
	byRepository map[tree.Repository][]Project
}

// Project is what the list says of one repository.
type Project struct {
	Alias      string // the key it stands under
	Repository tree.Repository
	Type       string // "hg" or "git"
	Level      string // of an hg repository with access scm_level_N; else empty
	Branches   []Branch
}

// Branch is a branch, or several by a trailing "*", with its level; where Level
// is empty the project's holds.
type Branch struct{ Name, Level string }

// BranchLevel gives the level of a branch by the first of the project's
// branches that matches, and false where none does.
func (p Project) BranchLevel(branch string) (string, bool) {
	for _, b := range p.Branches {
		prefix, glob := strings.CutSuffix(b.Name, "*")
		if glob && strings.HasPrefix(branch, prefix) || b.Name == branch {
			if b.Level == "" {
				return p.Level, p.Level != ""
			}
			return b.Level, true
		}
	}
	return "", false
}

// ParseProjects reads a project list: a map of aliases to repo, repo_type,
// access and branches; other keys are not ours. A repository that can't be a
// tree's (see tree.ParseRepository) is left out: nothing can ask for it.
func ParseProjects(data []byte) (*Projects, error) {
	r := &reader{file: "project list", aliases: true}
	top := r.read(data, MaxProjectsBytes)
	if top == nil {
		return nil, r.err()
	}
	p := &r.problems
	out := &Projects{byRepository: map[tree.Repository][]Project{}}
	if !(fields{p, top, ""}).isMapping() {
		return nil, p.err()
	}
	for _, pr := range top.pairs {
		project, ok := readProject(p, pr)
		if ok {
			out.byRepository[project.Repository] = append(out.byRepository[project.Repository], project)
		}
	}
	if len(top.pairs) == 0 {
		p.say(top, "", "no project in it", "")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return out, nil
}

func readProject(p *problems, pr pair) (Project, bool) {
	f := fields{p, pr.value, pr.key.value}
	out := Project{Alias: pr.key.value}
	if !f.isMapping() || f.need("repo") == nil || f.need("repo_type") == nil {
		return out, false
	}
	out.Type = f.oneOf("repo_type", "", "hg", "git")
	if level, ok := strings.CutPrefix(f.text("access"), "scm_level_"); ok {
		if len(level) != 1 || level[0] < '1' || level[0] > '9' {
			f.add(f.n.get("access"), f.at("access"), "scm_level_1 to scm_level_9", quoted("scm_level_"+level), "")
		}
		out.Level = level
	}
	for i, n := range f.elements("branches") {
		bf := fields{p, n, fmt.Sprintf("%s[%d]", f.at("branches"), i)}
		if !bf.isMapping() || bf.need("name") == nil {
			continue
		}
		b := Branch{Name: bf.text("name")}
		if n.get("level") != nil {
			b.Level = strconv.FormatInt(bf.integer("level", 0, 1, 9), 10)
		}
		out.Branches = append(out.Branches, b)
	}
	repository, err := tree.ParseRepository(f.text("repo"))
	out.Repository = repository
	return out, err == nil
}

// Lookup gives the project of a repository. It gives none where the list has
// two that disagree; Conflict says so.
func (p *Projects) Lookup(r tree.Repository) (Project, bool) {
	found := p.byRepository[r]
	if len(found) == 0 || p.Conflict(r) != nil {
		return Project{}, false
	}
	return found[0], true
}

// Conflict is an error where the list has the repository under two aliases
// that disagree about its type, level or branches.
func (p *Projects) Conflict(r tree.Repository) error {
	found := p.byRepository[r]
	for _, other := range found[min(1, len(found)):] {
		first := found[0]
		if other.Type != first.Type || other.Level != first.Level || !slices.Equal(other.Branches, first.Branches) {
			return fmt.Errorf("the project list has %s twice, as %s and %s, with different types, levels or branches",
				r, quoted(first.Alias), quoted(other.Alias))
		}
	}
	return nil
}

// Len is the number of repositories.
func (p *Projects) Len() int { return len(p.byRepository) }
