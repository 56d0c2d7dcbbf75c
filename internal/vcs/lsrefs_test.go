package vcs

import (
	"fmt"
	"strings"
	"testing"
)

// id is a commit id.
func id(n int) string { return fmt.Sprintf("%040x", n) }

func FuzzGitAnswers(f *testing.F) {
	const ref = "refs/heads/main"
	f.Add(line("version 2") + line("ls-refs") + line("object-format=sha1") + flush)
	f.Add(line("# service=git-upload-pack") + flush + line(id(1)+" "+ref+"\x00x") + line(id(2)+" "+ref+"^{}") + flush)
	f.Add(line(id(1)+" "+ref+" symref-target:refs/heads/x peeled:"+id(2)) + flush)
	f.Add(line("ERR no") + delim)
	f.Fuzz(func(t *testing.T, data string) {
		a, err := parseAdvertisement(data, ref)
		check(t, data, ref, a.named, err)
		n, err := parseLsRefs(data, ref)
		check(t, data, ref, n, err)
	})
}

// check wants that what was found stands in the data, and that nothing is found
// in what is refused.
func check(t *testing.T, data, ref string, n named, err error) {
	t.Helper()
	rev, ok := n.commit()
	switch {
	case err != nil && ok:
		t.Errorf("%q is refused (%v), and %s found in it", data, err, rev)
	case ok && !strings.Contains(data, n.tip.String()+" "+ref), ok && !strings.Contains(data, rev.String()):
		t.Errorf("%s is not in %q", rev, data)
	case err == nil && !strings.HasSuffix(data, flush):
		t.Errorf("%q has no end", data)
	}
}
