package inputs

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// url reads a mount's URL. One that serves an artifact of this deployment
// stands for that task and name, whatever else is said of it; any other needs
// the sha256 that the mount demands, because nothing else vouches for it.
func (r Reader) url(in *Input, s string) error {
	isArtifact, err := r.artifactURL(in, s)
	if isArtifact || err != nil {
		return err
	}
	if in.SHA256 == "" {
		return fmt.Errorf("url %q: want an artifact URL of %s, or a sha256: nothing else says what it must hold", shown(s), r.RootURL)
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("url %q: want a URL without user and fragment", shown(s))
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fmt.Errorf("url %q: want https", shown(s))
	}
	in.URL = s
	return nil
}

// shown is a URL for messages: what may be secret in it is left out.
func shown(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(not one)"
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	u.User, u.Fragment = nil, ""
	return clip(u.String())
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// artifactURL tells whether the URL is one of
//
//	ROOT/api/queue/v1/task/TASK_ID/artifacts/NAME
//	ROOT/api/queue/v1/task/TASK_ID/runs/RUN_ID/artifacts/NAME
//	ROOT/api/index/v1/task/NAMESPACE/artifacts/NAME
//
// and fills in what it names. Any other URL of the deployment is an error: a
// digest must not stand in for the chain of what a task made.
func (r Reader) artifactURL(in *Input, s string) (bool, error) {
	if r.RootURL == "" {
		return false, nil
	}
	ref, ok := graph.ParseArtifactURL(r.RootURL, s)
	ok = ok && !strings.ContainsAny(s, "?#") // it may be signed for somebody else
	switch {
	case !ok && graph.OnDeployment(r.RootURL, s):
		return true, fmt.Errorf("url %q is of %s, but no artifact route that can be read", clip(s), r.RootURL)
	case !ok:
		return false, nil
	}
	in.Names, in.Task, in.Run = Name(ref.Artifact), ref.Task, ref.Run
	if ref.Namespace != "" {
		return true, in.setNamespace(ref.Namespace)
	}
	return true, nil
}
