package download

import (
	"fmt"
	"slices"
	"strings"
)

// Extract says how an artifact is unpacked. The zero value: not at all.
type Extract struct {
	kind  extractKind
	zip   bool   // for extractArchive: zip, else tar
	codec string // compression of the tar or of the file, "" for none
}

type extractKind int

const (
	extractNone extractKind = iota
	extractByContent
	extractArchive
	extractFile
)

// codecs are the names that generic-worker's mounts have for compressions.
// It also has lz, 7z and rar; see refusedFormats.
var codecs = []string{"br", "bz2", "gz", "lz4", "mz", "sz", "xz", "zst", "zz"}

// refusedFormats are formats of generic-worker's mounts that are not unpacked,
// with the reason.
var refusedFormats = map[string]string{
	"7z":  "it lets an archive choose how much memory its reader takes",
	"rar": "its reader drops links without a word",
	"lz":  "its reader takes the first part of several for the whole, and skips checksums",
}

// ByContent unpacks what its first bytes show to be zip, or tar with gz, bz2,
// xz, zst or no compression, and keeps the archive nowhere; everything else
// becomes a plain file (taskgraph, "fetch-content", extract_archive).
func ByContent() Extract { return Extract{kind: extractByContent} }

// Archive unpacks an archive of a format that generic-worker's mounts name:
// zip, tar, tar.gz and so on.
func Archive(format string) (Extract, error) {
	switch format {
	case "zip":
		return Extract{kind: extractArchive, zip: true}, nil
	case "tar":
		return Extract{kind: extractArchive}, nil
	}
	codec, ok := strings.CutPrefix(format, "tar.")
	if err := refusedFormat(format, strings.TrimPrefix(format, "tar.")); err != nil {
		return Extract{}, err
	}
	if !ok || !slices.Contains(codecs, codec) {
		return Extract{}, fmt.Errorf("%q is not an archive format: want zip, tar, or tar. with one of %s", clip(format), strings.Join(codecs, " "))
	}
	return Extract{kind: extractArchive, codec: codec}, nil
}

// Decompress makes one file of a compressed one, of a format that
// generic-worker's file mounts name: gz, zst and so on.
func Decompress(format string) (Extract, error) {
	if err := refusedFormat(format, format); err != nil {
		return Extract{}, err
	}
	if !slices.Contains(codecs, format) {
		return Extract{}, fmt.Errorf("%q is not a compression: want one of %s", clip(format), strings.Join(codecs, " "))
	}
	return Extract{kind: extractFile, codec: format}, nil
}

func refusedFormat(format, codec string) error {
	if reason, ok := refusedFormats[codec]; ok {
		return fmt.Errorf("format %s is not unpacked: %s; pack it as tar.zst or zip", format, reason)
	}
	return nil
}
