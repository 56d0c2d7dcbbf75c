package queue

import (
	"bytes"
	"crypto/x509"
	"io"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
)

// world is a served virtual Taskcluster and a client for it.
func world(t *testing.T, w *fixtures.Standard, o fixtures.Options, change ...func(*Config, *fixtures.Server)) (*fixtures.Server, *Client) {
	t.Helper()
	return stalling(t, w, o, time.Minute, change...)
}

// stalling is a world whose client waits so long for a body to go on.
func stalling(t *testing.T, w *fixtures.Standard, o fixtures.Options, stall time.Duration, change ...func(*Config, *fixtures.Server)) (*fixtures.Server, *Client) {
	t.Helper()
	s, err := w.Serve(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	cfg := transport.Config{
		Attempts: 4, MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond, MaxRetryAfter: time.Millisecond,
		StallTimeout: stall, AllowLoopback: true,
	}
	if s.CAPEM != nil {
		cfg.RootCAs = x509.NewCertPool()
		cfg.RootCAs.AppendCertsFromPEM(s.CAPEM)
	}
	tr := transport.New(cfg)
	t.Cleanup(tr.CloseIdle)
	qc := Config{RootURL: s.RootURL, Transport: tr}
	for _, f := range change {
		f(&qc, s)
	}
	c, err := New(qc)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func ref(t *testing.T, task string, n int) graph.RunRef {
	t.Helper()
	id, err := graph.ParseTaskID(task)
	if err != nil {
		t.Fatal(err)
	}
	return graph.RunRef{Task: id, Run: graph.RunID(n)}
}

func readAll(t *testing.T, c *Client, at graph.RunRef, name string) ([]byte, error) {
	t.Helper()
	r, err := c.Open(t.Context(), at, name, 64<<20)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestWorld(t *testing.T) {
	for name, o := range map[string]fixtures.Options{
		"current": {}, "TLS": {TLS: true}, "old": {Old: true}, "old with TLS": {Old: true, TLS: true},
		"pages of one": {PageSize: 1}, "no ranges": {NoRanges: true}, "50 requests a second": {RequestRate: 50},
	} {
		t.Run(name, func(t *testing.T) {
			w := fixtures.Release(1)
			_, c := world(t, w, o)
			rerun, err := c.Task(t.Context(), ref(t, w.Rerun.ID, 0).Task)
			if err != nil || len(rerun.Runs) != 3 || rerun.Runs[0].State != graph.Failed {
				t.Errorf("rerun task: %+v, %v", rerun, err)
			}
			at := ref(t, w.StorageTask.ID, 0)
			listing, err := c.Artifacts(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			for storage, name := range fixtures.StorageNames {
				if listing[name].Storage != graph.Storage(storage) {
					t.Errorf("%s is listed as %+v", name, listing[name])
				}
				got, err := readAll(t, c, at, name)
				switch storage {
				case fixtures.StorageS3, fixtures.StorageObject:
					if want := w.StorageTask.Artifact(name).Content.Bytes(); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
					}
				case fixtures.StorageReference:
					wantReason(t, err, graph.Refused, "reference")
				case fixtures.StorageError:
					wantReason(t, err, graph.WorkerFailed, "file-missing-on-worker")
				case fixtures.StorageLink: // only the listing shows it
				}
			}
			for _, a := range w.Build.Run(0).Artifacts {
				if a.Private() || a.Content == nil {
					continue
				}
				got, err := readAll(t, c, ref(t, w.Build.ID, 0), a.Name)
				if err != nil || !bytes.Equal(got, a.Content.Bytes()) {
					t.Errorf("%s: %d bytes, %v", a.Name, len(got), err)
				}
			}
		})
	}
}

func TestPrivateArtifact(t *testing.T) {
	const name = "releng/build/crash-symbols.zip"
	w := fixtures.Release(1)
	me := Credentials{ClientID: w.Clients[0].ID, AccessToken: w.Clients[0].AccessToken}
	wrong := Credentials{ClientID: me.ClientID, AccessToken: me.AccessToken + "x"}
	tests := map[string]struct {
		change func(*Config, *fixtures.Server)
		reason graph.Reason
	}{
		"nobody":        {func(*Config, *fixtures.Server) {}, graph.Forbidden},
		"credentials":   {func(c *Config, _ *fixtures.Server) { c.Credentials = me }, ""},
		"wrong token":   {func(c *Config, _ *fixtures.Server) { c.Credentials = wrong }, graph.Forbidden},
		"through proxy": {func(c *Config, s *fixtures.Server) { c.ProxyURL = s.ProxyURL }, ""},
	}
	for who, tt := range tests {
		t.Run(who, func(t *testing.T) {
			_, c := world(t, w, fixtures.Options{}, tt.change)
			got, err := readAll(t, c, ref(t, w.Build.ID, 0), name)
			if tt.reason != "" {
				wantReason(t, err, tt.reason)
			} else if want := w.Build.Artifact(name).Content.Bytes(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
			}
		})
	}
}

func TestFaultsOfAWorld(t *testing.T) {
	const name = "public/build/target.tar.bz2"
	tests := map[string]struct {
		fault  fixtures.Fault
		reason graph.Reason
	}{
		"recovering 500s":       {fixtures.Fault{Times: 2, Status: 500}, ""},
		"lasting 500s":          {fixtures.Fault{Status: 500}, graph.ServerError},
		"429 with Retry-After":  {fixtures.Fault{Times: 1, Status: 429, RetryAfter: "120"}, ""},
		"lasting 429":           {fixtures.Fault{Status: 429}, graph.RateLimited},
		"reset once":            {fixtures.Fault{Times: 1, Reset: true}, ""},
		"reset":                 {fixtures.Fault{Reset: true}, graph.Unreachable},
		"truncated once":        {fixtures.Fault{Times: 1, Truncate: true, At: 100}, ""},
		"truncated":             {fixtures.Fault{Truncate: true, At: 0}, graph.Unreachable},
		"stall once":            {fixtures.Fault{Times: 1, Stall: true, At: 100}, ""},
		"stall":                 {fixtures.Fault{Stall: true, At: 0}, graph.Unreachable},
		"endless":               {fixtures.Fault{Endless: true}, graph.TooLarge},
		"redirect loop":         {fixtures.Fault{RedirectLoop: true}, graph.BadRedirect},
		"metadata service":      {fixtures.Fault{RedirectTo: "http://169.254.169.254/latest"}, graph.BadRedirect},
		"expired URL once":      {fixtures.Fault{Times: 1, Status: 403}, ""},
		"gone":                  {fixtures.Fault{Status: 410}, graph.Expired},
		"deleted below listing": {fixtures.Fault{Status: 404}, graph.NotFound},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			w := fixtures.Release(1)
			stall := time.Minute
			if tt.fault.Stall {
				stall = 300 * time.Millisecond
			}
			s, c := stalling(t, w, fixtures.Options{}, stall)
			a := w.Build.Artifact(name)
			tt.fault.Match = fixtures.Download(a)
			s.Fault(tt.fault)
			got, err := readAll(t, c, ref(t, w.Build.ID, 0), name)
			if tt.reason != "" {
				wantReason(t, err, tt.reason)
			} else if !bytes.Equal(got, a.Content.Bytes()) || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestPastTheWorldsCDN(t *testing.T) {
	w := fixtures.Release(1)
	a := w.Build.Artifact("public/build/target.tar.bz2")
	a.FlipCDN(5)
	_, c := world(t, w, fixtures.Options{})
	k := c.Content(ref(t, w.Build.ID, 0), a.Name)
	for k, right := range map[*Content]bool{k: false, k.PastCDN(): true} {
		s, err := k.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(k.Decode(s.Body, s.Encoding, 64<<20))
		_ = s.Body.Close()
		if err != nil || bytes.Equal(got, a.Content.Bytes()) != right {
			t.Errorf("right bytes: %v, want %v, %v", !right, right, err)
		}
	}
}
