package download

import (
	"errors"
	"os"
)

// Downloader puts items below one directory. It is made by New.
type Downloader struct {
	dest    *os.Root
	content Content
	opts    Options
}

// New refuses an incomplete configuration. The caller closes dest after the
// last call.
func New(dest *os.Root, content Content, opts Options) (*Downloader, error) {
	if dest == nil || content == nil {
		return nil, errors.New("a download needs a destination and a source of content")
	}
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Downloader{dest: dest, content: content, opts: opts}, nil
}
