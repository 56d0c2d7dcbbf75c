package cli

import (
	"context"
	"net/http"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/internal/queue"
	"github.com/mozilla-releng/cot/internal/transport"
)

// stored is the deployment's content, as downloads read it.
type stored struct{ queue *queue.Client }

func (s stored) Open(ctx context.Context, run graph.RunRef, name string, pastCDN bool) (*download.Stream, error) {
	c := s.queue.Content(run, name)
	if pastCDN {
		c = c.PastCDN()
	}
	q, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	return streamOf(c, q), nil
}

func streamOf(c *queue.Content, q *queue.Stream) *download.Stream {
	d := &download.Stream{Body: q.Body, Offset: q.Offset, Size: q.Length, Encoding: encodingName(q.Encoding)}
	for _, h := range q.Hashes {
		if d.Promised == nil {
			d.Promised = map[string]string{}
		}
		d.Promised[h.Algorithm] = h.Hex
	}
	if q.ETag != "" {
		d.Resume = func(ctx context.Context, offset int64) (*download.Stream, error) {
			next, err := c.Resume(ctx, q, offset)
			if err != nil {
				return nil, err
			}
			return streamOf(c, next), nil
		}
	}
	return d
}

func encodingName(e transport.Encoding) string {
	if e == transport.Identity {
		return ""
	}
	return string(e)
}

// elsewhere reads URLs that a mount pins by sha256.
type elsewhere struct{ transport *transport.Client }

func (e elsewhere) OpenURL(ctx context.Context, url string, pastCDN bool) (*download.Stream, error) {
	r := transport.Request{What: "pinned URL", URL: url, Follow: true, Header: http.Header{"Accept-Encoding": {"gzip, identity"}}}
	if pastCDN {
		r.Header.Set("Cache-Control", "no-cache")
	}
	resp, err := e.transport.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if resp.Status != http.StatusOK {
		_ = resp.Body.Close()
		return nil, unavailable(resp.Status)
	}
	return &download.Stream{Body: resp.Body, Size: resp.Length, Encoding: encodingName(resp.Encoding)}, nil
}

func unavailable(status int) error {
	reasons := map[int]graph.Reason{
		http.StatusNotFound: graph.NotFound, http.StatusGone: graph.Expired,
		http.StatusForbidden: graph.Forbidden, http.StatusUnauthorized: graph.Forbidden,
	}
	reason := reasons[status]
	if reason == "" {
		reason = graph.BadRequest
	}
	return &graph.UnavailableError{What: "pinned URL", Reason: reason, Detail: "HTTP " + http.StatusText(status)}
}
