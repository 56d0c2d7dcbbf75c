package graph

import (
	"net/url"
	"strings"
)

// PathBelow gives the path segments, unescaped, of a URL below a deployment's
// root URL. It is not ok for a URL of anything else.
func PathBelow(rootURL, s string) ([]string, bool) {
	root, err1 := url.Parse(rootURL)
	u, err2 := url.Parse(s)
	if err1 != nil || err2 != nil || hostOf(u) != hostOf(root) || u.Scheme != root.Scheme {
		return nil, false
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(root.EscapedPath(), "/")+"/")
	if !ok {
		return nil, false
	}
	var segments []string
	for seg := range strings.SplitSeq(rest, "/") {
		plain, err := url.PathUnescape(seg)
		if err != nil {
			return nil, false
		}
		segments = append(segments, plain)
	}
	return segments, true
}
