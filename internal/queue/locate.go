package queue

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/internal/transport"
)

// location is where an artifact's content is stored now.
type location struct {
	storage graph.Storage
	url     string // often signed, so a secret, and valid for minutes
	direct  bool   // the URL answers itself; it may not redirect (getUrl)
	expires time.Time
	hashes  []Hash
}

func (l location) stale() bool { return !l.expires.IsZero() && time.Now().After(l.expires) }

// locate asks where the content is. Link artifacts are followed by the queue
// itself; only the listing shows them.
func (k *Content) locate(ctx context.Context) (location, error) {
	if err := graph.CheckArtifactName(k.name); err != nil {
		return location{}, malformed("artifact", "%v", err)
	}
	if dotSegment(k.name) {
		return location{}, k.refuse("no URL can name it")
	}
	if k.pastCDN || k.client.plain.Load() {
		return k.locatePlain(ctx)
	}
	doc, err := k.client.do(ctx, k.call("artifact-content"))
	if err != nil {
		return location{}, err
	}
	if doc.Status == http.StatusMethodNotAllowed ||
		doc.Status == http.StatusNotFound && readServiceError(doc).code != "ResourceNotFound" {
		l, err := k.locatePlain(ctx)
		if err == nil {
			k.client.plain.Store(true)
		}
		return l, err
	}
	if doc.Status != http.StatusOK {
		return location{}, k.client.refused(k.what(), k.scope(), doc)
	}
	return k.readContent(ctx, doc.Body)
}

func (k *Content) what() string  { return "artifact " + k.name + " of " + k.run.String() }
func (k *Content) scope() string { return "queue:get-artifact:" + k.name }

func (k *Content) call(endpoint string) call {
	return call{
		what: k.what(), service: queueService, method: "GET", limit: maxAnswer,
		route: fmt.Sprintf("/task/%s/runs/%s/%s/%s", k.run.Task, k.run.Run, endpoint, segment(k.name)),
	}
}

func (k *Content) refuse(why string) error {
	return &graph.UnavailableError{What: k.what(), Reason: graph.Refused, Detail: why}
}

// refuseStorage has the words for storage types that are never followed.
func (k *Content) refuseStorage(storage string) error {
	switch graph.Storage(storage) {
	case graph.Reference:
		return k.refuse("storage type reference: its URL is the task's own choice and may change; no worker hashes it")
	case graph.Link:
		return k.refuse("storage type link: it stands for another artifact; no worker hashes it")
	}
	return k.refuse(fmt.Sprintf("storage type %q: want s3 or object", tidy(storage)))
}

// readContent reads the answer of artifact-content.
func (k *Content) readContent(ctx context.Context, data []byte) (location, error) {
	m, err := strictjson.ParseObject(data, maxAnswer)
	if err != nil {
		return location{}, malformed(k.what(), "%v", err)
	}
	text := func(key string) string { s, _ := m[key].(string); return s }
	switch storage := text("storageType"); graph.Storage(storage) {
	case graph.S3:
		return k.stored(graph.S3, text("url"))
	case graph.Object:
		as := &Credentials{}
		if cr, ok := m["credentials"].(map[string]any); ok {
			as.ClientID, _ = cr["clientId"].(string)
			as.AccessToken, _ = cr["accessToken"].(string)
			as.Certificate, _ = cr["certificate"].(string)
		}
		return k.startDownload(ctx, text("name"), as)
	case graph.Error:
		return location{}, &graph.UnavailableError{
			What: k.what(), Reason: graph.WorkerFailed, Detail: workerFailure(text("reason"), text("message")),
			Hint: "look into the log of the task that should have made it",
		}
	default:
		return location{}, k.refuseStorage(storage)
	}
}

func (k *Content) stored(storage graph.Storage, at string) (location, error) {
	if at == "" {
		return location{}, malformed(k.what(), "the queue gives no URL for it")
	}
	return location{storage: storage, url: at}, nil
}

const downloadRequest = `{"acceptDownloadMethods":{"getUrl":true,"simple":true}}`

// startDownload asks the object service, with the credentials that the queue
// gave for this object.
func (k *Content) startDownload(ctx context.Context, object string, as *Credentials) (location, error) {
	if object == "" || dotSegment(object) || as.check() != nil {
		return location{}, malformed(k.what(), "the queue gives no object name or no usable credentials for it")
	}
	doc, err := k.client.do(ctx, call{
		what: k.what(), service: objectService, method: "PUT", route: "/start-download/" + segment(object),
		payload: []byte(downloadRequest), as: as, limit: maxAnswer,
	})
	if err != nil {
		return location{}, err
	}
	if doc.Status != http.StatusOK {
		return location{}, k.client.refused(k.what()+", in the object service", "object:download:"+object, doc)
	}
	m, err := strictjson.ParseObject(doc.Body, maxAnswer)
	if err != nil {
		return location{}, malformed(k.what(), "object service: %v", err)
	}
	text := func(key string) string { s, _ := m[key].(string); return s }
	l, err := k.stored(graph.Object, text("url"))
	if err != nil {
		return location{}, err
	}
	switch method := text("method"); method {
	case "simple":
		return l, nil
	case "getUrl":
		l.direct = true
		if l.expires, err = time.Parse(time.RFC3339, text("expires")); err != nil {
			return location{}, malformed(k.what(), "object service: expires is not an RFC 3339 time")
		}
		l.hashes, err = readHashes(m["hashes"])
		if err != nil {
			return location{}, malformed(k.what(), "object service: %v", err)
		}
		return l, nil
	default:
		return location{}, malformed(k.what(), "object service: download method %q was not asked for", tidy(method))
	}
}

// readHashes keeps the hashes that can be checked; there must be one.
func readHashes(v any) ([]Hash, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("/hashes: want an object, found %s", strictjson.Kind(v))
	}
	var out []Hash
	for algorithm, size := range map[string]int{"sha256": 32, "sha512": 64} {
		v, ok := m[algorithm]
		if !ok {
			continue
		}
		s, _ := v.(string)
		if b, err := hex.DecodeString(s); err != nil || len(b) != size || s != strings.ToLower(s) {
			return nil, fmt.Errorf("/hashes/%s: want %d lower-case hex digits", algorithm, 2*size)
		}
		out = append(out, Hash{algorithm, s})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("/hashes has neither sha256 nor sha512")
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Algorithm < out[j].Algorithm })
	return out, nil
}

// locatePlain asks the endpoint that answers with a redirect: the one that old
// deployments have, and the only one that can be told to skip the CDN. The
// redirect is read, not followed: the call may be signed.
func (k *Content) locatePlain(ctx context.Context) (location, error) {
	c := k.call("artifacts")
	if k.pastCDN {
		c.header = http.Header{"X-Taskcluster-Skip-Cdn": {"true"}}
	}
	doc, err := k.client.do(ctx, c)
	if err != nil {
		return location{}, err
	}
	storage := doc.Header.Get("X-Taskcluster-Artifact-Storage-Type")
	if s := graph.Storage(storage); doc.Status < 400 && s != "" && !s.Hashed() {
		return location{}, k.refuseStorage(storage)
	}
	switch doc.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		if doc.Status < 400 {
			return location{}, malformed(k.what(), "want a redirect to its content, found status %d", doc.Status)
		}
		return location{}, k.client.refused(k.what(), k.scope(), doc)
	}
	at, err := k.resolve(doc.Header.Get("Location"))
	if err != nil {
		return location{}, err
	}
	return k.stored(graph.Storage(storage), at)
}

// resolve makes a Location header absolute.
func (k *Content) resolve(ref string) (string, error) {
	base, err := url.Parse(k.client.rootURL)
	if err != nil || ref == "" {
		return "", malformed(k.what(), "redirect without a location")
	}
	u, err := base.Parse(ref)
	if err != nil {
		return "", malformed(k.what(), "redirect to something that is not a URL")
	}
	return u.String(), nil
}

// request asks for content from where it is stored.
func (k *Content) request(l location) transport.Request {
	return transport.Request{What: k.what(), URL: l.url, From: k.client.rootURL, Follow: !l.direct, Header: http.Header{}}
}
