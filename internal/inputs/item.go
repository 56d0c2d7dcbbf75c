package inputs

import (
	"slices"

	"github.com/mozilla-releng/cot/graph"
)

// Item is one artifact of one run, or what stands instead of one, and its place on disk.
type Item struct {
	Input
	Run  graph.RunRef // zero for what is no artifact
	Name string       // the artifact
	Path string       // with slashes, below the destination: a file, for Naming Tree a directory
}

// Expand gives the items that an input comes to, in order of their names: for
// a plain name that name, whether or not it is among names; for a glob every
// name that matches, which may be none. A name that can't become a file below
// the destination is an error: names are what a task wrote.
func (in Input) Expand(run graph.RunRef, names []string) ([]Item, error) {
	if !in.IsArtifact() {
		return []Item{{Input: in, Path: in.Place.Path}}, nil
	}
	matching := []string{in.Names.String()}
	if in.Names.IsGlob() {
		matching = nil
		for _, name := range names {
			if in.Names.Match(name) {
				matching = append(matching, name)
			}
		}
		slices.Sort(matching)
	}
	var out []Item
	for _, name := range matching {
		if err := graph.CheckArtifactName(name); err != nil {
			return nil, in.wrap(err)
		}
		file, err := in.Place.file(name)
		if err != nil {
			return nil, in.wrap(err)
		}
		out = append(out, Item{Input: in, Run: run, Name: name, Path: file})
	}
	return out, nil
}

// Distinct drops items that stand twice: the same artifact, treated the same
// way, at the same place; what is optional in one of them and not in another is
// not. Different ones at one place stay; whoever writes them must refuse that.
func Distinct(items []Item) []Item {
	type key struct {
		run                  graph.RunRef
		name, path, to, want string
		unpack               Unpack
	}
	seen := map[key]int{}
	var out []Item
	for _, it := range items {
		k := key{it.Run, it.Name, it.Path, it.Place.Format, it.SHA256, it.Place.Unpack}
		if i, again := seen[k]; again && it.IsArtifact() {
			out[i].Optional = out[i].Optional && it.Optional
			continue
		}
		seen[k] = len(out)
		out = append(out, it)
	}
	return out
}
