//go:build linux

package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/mozilla-releng/cot/fixtures"
)

// graphSizes are how many tasks the groups and what they depend on have.
var graphSizes = []int{1000, 5000, 20_000}

// servedGraph is a group to verify.
type servedGraph struct {
	Tasks           int
	Group           string
	RootURL, Policy string
	Keys            []string // of the workers, in base64
	Requests        string   // URL of what is asked for until this is, a URL a line
}

// serveGraphs is serve for whole graphs.
func serveGraphs(in io.Reader, out io.Writer) error {
	var graphs []servedGraph
	for _, tasks := range graphSizes {
		c := fixtures.Crowds(1, tasks, true)
		server, err := c.Serve(fixtures.Options{NoLog: true})
		if err != nil {
			return err
		}
		defer server.Close()
		asked, err := observe(server)
		if err != nil {
			return err
		}
		g := servedGraph{
			Tasks: tasks, Group: c.Decision.ID, RootURL: server.RootURL, Policy: c.PolicyYAML(server), Requests: asked,
		}
		for _, k := range []ed25519.PrivateKey{c.Keys.DockerWorker, c.Keys.GenericWorker} {
			g.Keys = append(g.Keys, base64.StdEncoding.EncodeToString(k[ed25519.SeedSize:]))
		}
		graphs = append(graphs, g)
	}
	if err := json.NewEncoder(out).Encode(graphs); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// observe keeps the URLs that a server is asked for until somebody reads them,
// once.
func observe(server *fixtures.Server) (string, error) {
	var mu sync.Mutex
	var urls []string
	over := false
	for service, base := range map[string]string{
		fixtures.API: server.RootURL, fixtures.Store: server.StoreURL, fixtures.VCS: server.VCSURL,
	} {
		server.Fault(fixtures.Fault{Service: service, Match: func(r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if !over {
				urls = append(urls, base+r.URL.RequestURI())
			}
			return false // it is no fault
		}})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = io.WriteString(w, strings.Join(urls, "\n"))
			urls, over = nil, true
		}))
	}()
	return "http://" + listener.Addr().String(), nil
}
