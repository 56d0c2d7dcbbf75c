package cli

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/cachedir"
	"github.com/mozilla-releng/cot/internal/crlcache"
	"github.com/mozilla-releng/cot/internal/evidencecache"
	"github.com/mozilla-releng/cot/internal/queue"
	"github.com/mozilla-releng/cot/internal/transport"
	"github.com/mozilla-releng/cot/internal/vcs"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/policy"
)

// deployment is what a command reads from.
type deployment struct {
	transport *transport.Client
	queue     *queue.Client
	tasks     *taskMemo
	cache     *cachedir.Dir
	sources   trace.Sources
}

func (c *common) connect(s IO, p *policy.Policy, root string, show progress) (*deployment, error) {
	u, err := url.Parse(root)
	if err != nil {
		return nil, usage(err)
	}
	settings := transport.Config{
		Connections: smallPerJob*c.jobs + 4, AllowLoopback: transport.OnLoopback(u), UserAgent: "cot/" + version(),
		Waiting: show.waiting,
	}
	if s.tune != nil {
		s.tune(&settings)
	}
	t := transport.New(settings)
	cfg := queue.Config{RootURL: root, Jobs: smallPerJob * c.jobs, Transport: t}
	// The proxy and the credentials of a task are those of its own deployment.
	if own := s.env("TASKCLUSTER_ROOT_URL"); own == "" || sameRoot(own, root) {
		cfg.ProxyURL = s.env("TASKCLUSTER_PROXY_URL")
		cfg.Credentials = queue.Credentials{
			ClientID:    s.env("TASKCLUSTER_CLIENT_ID"),
			AccessToken: s.env("TASKCLUSTER_ACCESS_TOKEN"),
			Certificate: s.env("TASKCLUSTER_CERTIFICATE"),
		}
	}
	q, err := queue.New(cfg)
	if err != nil {
		return nil, usage(err)
	}
	d := &deployment{transport: t, queue: q, tasks: &taskMemo{from: q}}
	d.sources = trace.Sources{Tasks: d.tasks, Artifacts: q, Index: q, Groups: q}
	if c.cacheDir != "" {
		if d.cache, err = cachedir.Open(c.cacheDir); err != nil {
			return nil, usagef("--cache-dir: %w", err)
		}
		d.sources.Cache = evidencecache.New(d.cache)
	}
	v, err := vcs.New(vcsConfig(p, t, s.env("GITHUB_TOKEN"), d.cache))
	if err != nil {
		_ = d.cache.Close()
		return nil, usage(err)
	}
	d.sources.VCS, d.sources.GitHub = v, v
	if p.Projects.Data != nil {
		d.sources.VCS = withProjects{v, p.Projects.Data}
	}
	if p.Certificates != nil {
		d.sources.Revocation = newRevocation(p.Certificates, t, d.cache, s.now())
	}
	return d, nil
}

// newRevocation fetches the CRLs that policy names, and what it lets be fetched.
func newRevocation(c *certs.Certificates, t *transport.Client, cache *cachedir.Dir, now time.Time) *crlcache.Fetcher {
	named := slices.Clone(c.CRLURLs)
	if c.Timestamps != nil {
		named = append(named, c.Timestamps.CRLURLs...)
	}
	return crlcache.New(crlcache.Config{Transport: t, Named: named, Dir: cache, Now: now, Grace: c.CRLGrace})
}

func sameRoot(a, b string) bool {
	a, err := parseRootURL(a)
	return err == nil && a == b
}

// close ends connections that carry nothing.
func (d *deployment) close() {
	d.transport.CloseIdle()
	_ = d.cache.Close()
}

// vcsConfig is about the hosts that policy names. The token is of one of them.
func vcsConfig(p *policy.Policy, t *transport.Client, token string, cache *cachedir.Dir) vcs.Config {
	cfg := vcs.Config{Hosts: map[string]vcs.HostConfig{}, Projects: p.Projects.URL, Transport: t, Answers: vcs.KeptAnswers(cache)}
	whose := tokenHost(p)
	for name, h := range p.VCSHosts {
		host := vcs.HostConfig{Type: h.Type, Pushlog: h.Pushlog, RawFile: h.RawFile, API: h.API, Git: h.Git}
		if name == whose {
			host.Token = token
		}
		cfg.Hosts[name] = host
	}
	return cfg
}

// tokenHost is the host that GITHUB_TOKEN is of: github.com, or the only other
// one. Between several it can't be told, and none may see another's.
func tokenHost(p *policy.Policy) string {
	var hosts []string
	for name, h := range p.VCSHosts {
		if h.Type == policy.VCSGitHub {
			hosts = append(hosts, name)
		}
	}
	switch {
	case slices.Contains(hosts, "github.com"):
		return "github.com"
	case len(hosts) == 1:
		return hosts[0]
	}
	return ""
}

// withProjects is a VCS whose project list is a file of the policy.
type withProjects struct {
	trace.VCS
	data []byte
}

func (v withProjects) Projects(context.Context) ([]byte, error) { return v.data, nil }

// taskMemo asks for each task once, so that what is judged and what is used
// are one definition.
type taskMemo struct {
	from trace.Tasks

	mu    sync.Mutex
	tasks map[graph.TaskID]*memoTask
}

type memoTask struct {
	once sync.Once
	task *graph.Task
	err  error
}

func (m *taskMemo) Task(ctx context.Context, id graph.TaskID) (*graph.Task, error) {
	m.mu.Lock()
	if m.tasks == nil {
		m.tasks = map[graph.TaskID]*memoTask{}
	}
	e := m.tasks[id]
	if e == nil {
		e = &memoTask{}
		m.tasks[id] = e
	}
	m.mu.Unlock()
	e.once.Do(func() {
		e.err = errors.New("asking for the task broke off")
		e.task, e.err = m.from.Task(ctx, id)
	})
	return e.task, e.err
}
