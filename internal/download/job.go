package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"net/url"
)

// job is one item, ready to run: what must be true of its bytes, where they come
// from and where they go.
type job struct {
	index   int
	item    Item
	what    string // for messages
	digests []digest
	open    func(ctx context.Context, pastCDN bool) (*Stream, error)
	dir     string // where the file, or the archive while it is unpacked, lies
	base    string
}

// digest is what trace.Digest is.
type digest interface {
	New() hash.Hash
	Matches(sum []byte) bool
	Algorithm() string
	Hex() string
}

// newJob checks an item as far as that goes without a disk.
func (d *Downloader) newJob(index int, item Item) (*job, error) {
	j := &job{index: index, item: item}
	if err := d.source(j); err != nil {
		return j, err
	}
	switch item.Extract.kind {
	case extractByContent, extractArchive:
		if err := checkDir(item.ExtractTo); err != nil {
			return j, err
		}
		if item.Extract.kind == extractArchive {
			j.dir, j.base = beside(item.ExtractTo)
			return j, nil
		}
	default:
		if item.ExtractTo != "" {
			return j, errors.New("a directory to unpack into is given for what is not unpacked")
		}
	}
	if err := checkPath(item.Path); err != nil {
		return j, err
	}
	j.dir, j.base = split(item.Path)
	return j, nil
}

func (d *Downloader) source(j *job) error {
	run, name, verified := j.item.Artifact.Run(), j.item.Artifact.Name(), j.item.Artifact.Digests()
	pinned, literal := j.item.Pinned, j.item.Literal
	switch {
	case name != "" && pinned == nil && literal == nil:
		j.what = fmt.Sprintf("artifact %s of %s", name, run)
		for _, v := range verified {
			j.digests = append(j.digests, v)
		}
		j.open = func(ctx context.Context, pastCDN bool) (*Stream, error) {
			return d.content.Open(ctx, run, name, pastCDN)
		}
	case name == "" && pinned != nil && literal == nil:
		j.what = redact(pinned.URL)
		j.digests = []digest{pin(pinned.SHA256)}
		j.open = func(ctx context.Context, pastCDN bool) (*Stream, error) {
			if d.opts.URLs == nil {
				return nil, fmt.Errorf("%s: URLs outside Taskcluster are not read here", j.what)
			}
			return d.opts.URLs.OpenURL(ctx, pinned.URL, pastCDN)
		}
	case name == "" && pinned == nil && literal != nil:
		j.what = "content for " + j.item.Path
		j.digests = []digest{pin(sha256.Sum256(literal.Bytes))}
		j.open = func(context.Context, bool) (*Stream, error) { return literalStream(literal.Bytes), nil }
	default:
		return errors.New("an item needs exactly one of artifact, URL and literal content")
	}
	if len(j.digests) == 0 {
		return fmt.Errorf("%s has no digest", j.what)
	}
	for _, dg := range j.digests {
		if a := dg.Algorithm(); a != "sha256" && a != "sha512" {
			return fmt.Errorf("%s has a digest of algorithm %q, want sha256 or sha512", j.what, clip(a))
		}
	}
	return nil
}

// beside gives the directory in which target is made and its name there; the
// destination itself is ".", in itself.
func beside(target string) (dir, base string) {
	if target == "." {
		return ".", "."
	}
	return split(target)
}

func (j *job) mode() fs.FileMode {
	if j.item.Executable {
		return 0o755
	}
	return 0o644
}

// redact leaves out a URL's query and user, which may hold secrets.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "a URL"
	}
	u.RawQuery, u.User, u.Fragment = "", nil, ""
	return u.String()
}

// pin is a sha256 digest that the request itself gives.
type pin [sha256.Size]byte

func (p pin) New() hash.Hash          { return sha256.New() }
func (p pin) Matches(sum []byte) bool { return string(sum) == string(p[:]) }
func (p pin) Algorithm() string       { return "sha256" }
func (p pin) Hex() string             { return hex.EncodeToString(p[:]) }
