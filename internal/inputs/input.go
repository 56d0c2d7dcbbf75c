// Package inputs reads what a task wants: command-line arguments, taskgraph's
// MOZ_FETCHES, generic-worker mounts and scriptworker's upstreamArtifacts, all
// into one form. It fetches nothing and believes nothing: it says which
// artifacts are asked for and where their bytes shall go.
package inputs

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// MaxBytes bounds a list of inputs; a list of 100,000 fetches fits.
const MaxBytes = 16 << 20

// Input is one thing that is wanted: an artifact or, by a pattern, several.
type Input struct {
	Source    string       // where it was asked for, for messages: "MOZ_FETCHES/3"
	Task      graph.TaskID // zero if Namespace names the task, or it is no artifact
	Run       *graph.RunID // nil: the newest completed one
	Namespace string       // index path of the task
	Names     Pattern
	SHA256    string // what the input itself demands, lower-case hex; empty: nothing
	Optional  bool   // its absence is a warning; wrong bytes never are
	URL       string // instead of an artifact: content that SHA256 alone vouches for
	Literal   []byte // instead of an artifact: the content itself
	Place     Place
}

// Place says where an artifact's bytes go, below the destination.
type Place struct {
	Path   string // with slashes, relative, without ".."; "." is the destination itself
	Naming Naming
	Unpack Unpack
	Format string // of Decompress and Extract: "gz", "tar.zst"
}

// Naming says how a Place's path becomes a file's name.
type Naming int

// Namings.
const (
	Exact    Naming = iota + 1 // Path is the file
	BaseName                   // Path is a directory; the artifact's last name part is added
	FullName                   // Path is a directory; the artifact's whole name is added
	Tree                       // Path is a directory that an archive is unpacked into
)

// Unpack says what is done with verified bytes.
type Unpack int

// Ways to unpack.
const (
	Keep       Unpack = iota + 1 // the file stays as it is
	Auto                         // an archive, told by its content, is unpacked and removed; other files stay
	Decompress                   // one file, decompressed by Format
	Extract                      // an archive, unpacked by Format
)

// IsArtifact tells whether the input is an artifact of a task, rather than a
// URL or inline content.
func (in Input) IsArtifact() bool { return in.Literal == nil && in.URL == "" }

// Reader reads inputs of a deployment for a destination.
type Reader struct {
	RootURL string // tells the deployment's own artifact URLs from others
	Dest    string // absolute; absolute paths below it are accepted
}

// place makes a path of an input relative to the destination. A path that
// leads out of it is an error.
func (r Reader) place(s string) (string, error) {
	if s == "" {
		return "", errors.New("an empty path")
	}
	p := filepath.FromSlash(s)
	if filepath.IsAbs(p) {
		rel, err := filepath.Rel(r.Dest, p)
		if err != nil || r.Dest == "" {
			return "", fmt.Errorf("%q is outside the destination %q", s, r.Dest)
		}
		p = rel
	}
	if !filepath.IsLocal(p) {
		return "", fmt.Errorf("%q is outside the destination: give a path below it", s)
	}
	return filepath.ToSlash(filepath.Clean(p)), nil
}

// file gives the path that an artifact of that name gets.
func (p Place) file(name string) (string, error) {
	switch p.Naming {
	case Exact, Tree:
		return p.Path, nil
	case BaseName:
		base := name[strings.LastIndexByte(name, '/')+1:]
		if base == "" || base == "." || base == ".." {
			return "", fmt.Errorf("artifact %q has no file name: give one with =PATH", name)
		}
		return path.Join(p.Path, base), nil
	case FullName:
		for _, seg := range strings.Split(name, "/") {
			if seg == "" || seg == "." || seg == ".." {
				return "", fmt.Errorf("artifact %q is not a path below the destination", name)
			}
		}
		return path.Join(p.Path, name), nil
	}
	return "", fmt.Errorf("artifact %q has no place", name)
}
