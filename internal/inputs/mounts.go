package inputs

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/mozilla-releng/cot/graph"
)

// Formats that generic-worker's payload schema has for one file and for archives.
var (
	fileFormats    = []string{"br", "bz2", "gz", "lz", "lz4", "mz", "sz", "xz", "zst", "zz"}
	archiveFormats = []string{
		"7z", "rar", "tar", "tar.br", "tar.bz2", "tar.gz", "tar.lz", "tar.lz4", "tar.mz",
		"tar.sz", "tar.xz", "tar.zst", "tar.zz", "zip",
	}
)

// Mounts are a generic-worker payload's mounts. Inputs has what must be there
// before the task runs; a writable cache without content wants nothing.
type Mounts struct {
	Inputs []Input
	at     []int // Inputs[i] is the content of mount at[i]
	items  []any
	data   []byte // the YAML they were read from; nil: JSON
}

// Mounts reads a list of FileMount, ReadOnlyDirectory and
// WritableDirectoryCache, JSON or YAML. Paths are below the destination, which
// stands for the task's directory.
func (r Reader) Mounts(name string, data []byte) (*Mounts, error) {
	items, isYAML, err := documentList(name, data)
	if err != nil {
		return nil, err
	}
	m, err := r.MountsValue(name, items)
	if err == nil && isYAML {
		m.data = data
	}
	return m, err
}

// MountsValue is Mounts for a list that was decoded, as in a task's definition.
func (r Reader) MountsValue(name string, v any) (*Mounts, error) {
	items, err := array(name, v)
	if err != nil {
		return nil, err
	}
	out := &Mounts{items: items}
	for i, item := range items {
		in := Input{Source: fmt.Sprintf("%s/%d", name, i)}
		wanted, err := r.mount(&in, object(item))
		if err != nil {
			return nil, in.wrap(err)
		}
		if wanted {
			out.Inputs = append(out.Inputs, in)
			out.at = append(out.at, i)
		}
	}
	return out, nil
}

// mount reads one mount and tells whether it has content. Its kind follows
// from its keys, as the worker decides it.
func (r Reader) mount(in *Input, m *members) (bool, error) {
	var path string
	var formats []string
	hasContent := true
	switch {
	case m.has("cacheName"):
		m.text("cacheName")
		path, formats = m.text("directory"), archiveFormats
		hasContent = m.has("content") || m.has("format") // only together
		in.Place = Place{Naming: Tree, Unpack: Extract}
	case m.has("directory"):
		path, formats = m.text("directory"), archiveFormats
		in.Place = Place{Naming: Tree, Unpack: Extract}
	case m.has("file"):
		path = m.text("file")
		in.Place = Place{Naming: Exact, Unpack: Keep}
		if m.has("format") {
			in.Place.Unpack, formats = Decompress, fileFormats
		}
	default:
		m.fail(`want a mount: an object with "file", or with "directory"`)
		return false, m.err
	}
	var content map[string]any
	if hasContent {
		content = member[map[string]any](m, "content", "an object", true)
		if formats != nil {
			in.Place.Format = m.text("format")
		}
	}
	m.only()
	if m.err != nil {
		return false, m.err
	}
	if hasContent && formats != nil && !slices.Contains(formats, in.Place.Format) {
		return false, fmt.Errorf("format %q: want one of %v", clip(in.Place.Format), formats)
	}
	var err error
	if in.Place.Path, err = r.place(path); err != nil {
		return false, err
	}
	if in.Place.Naming == Exact && in.Place.Path == "." {
		return false, fmt.Errorf("file %q is a directory", path)
	}
	if !hasContent {
		return false, nil
	}
	if err := r.content(in, object(content)); err != nil {
		return false, fmt.Errorf("content: %w", err)
	}
	return true, in.check()
}

// maxInline is the payload schema's bound on raw and base64 content.
const maxInline = 65536

var (
	sha256Pattern    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	base64Pattern    = regexp.MustCompile(`^[A-Za-z0-9/+]+={0,2}$`)
	namespacePattern = regexp.MustCompile(`^[A-Za-z0-9_!~*'()%-]+(\.[A-Za-z0-9_!~*'()%-]+)*$`)
)

func (r Reader) content(in *Input, m *members) error {
	var err error
	switch {
	case m.has("taskId"):
		in.SHA256 = m.optional("sha256")
		in.Names = Name(m.text("artifact"))
		in.Task, err = graph.ParseTaskID(m.text("taskId"))
	case m.has("namespace"):
		in.Names = Name(m.text("artifact"))
		err = in.setNamespace(m.text("namespace"))
	case m.has("url"):
		in.SHA256 = m.optional("sha256")
		err = r.url(in, m.text("url"))
	case m.has("raw"):
		in.Literal = []byte(m.text("raw"))
	case m.has("base64"):
		// The worker writes the text as it is, without decoding it.
		s := m.text("base64")
		if !base64Pattern.MatchString(s) {
			m.fail("base64: %q is not base64 text", clip(s))
		}
		in.Literal = []byte(s)
	default:
		m.fail(`want "taskId" and "artifact", "namespace" and "artifact", "url", "raw" or "base64"`)
	}
	m.only()
	switch {
	case m.err != nil:
		return m.err
	case err != nil:
		return err
	case len(in.Literal) > maxInline:
		return fmt.Errorf("%d bytes of inline content are more than the %d that a worker takes", len(in.Literal), maxInline)
	case in.SHA256 == "" && m.has("sha256"), in.SHA256 != "" && !sha256Pattern.MatchString(in.SHA256):
		return fmt.Errorf("sha256 %q: want 64 lower-case hex digits", clip(in.SHA256))
	case in.Literal != nil || in.URL != "":
		return nil
	}
	return graph.CheckArtifactName(in.Names.String())
}

func (in *Input) setNamespace(s string) error {
	if len(s) > 255 || !namespacePattern.MatchString(s) {
		return fmt.Errorf("namespace %q: want an index path of at most 255 characters", clip(s))
	}
	in.Namespace = s
	return nil
}
