//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/internal/transport"
)

// limitJobs is how many requests the commands make at once, by default.
const limitJobs = 32

// limitMain does what no verification of whole graphs can do without: it fetches
// the URLs of a file, decodes and hashes what they give, and verifies the
// signatures of documents. "bench limit FILE DOCUMENTS" says so if there were so
// many.
func limitMain(name, documents string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	l := limit{client: &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: limitJobs},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, key := range strings.Fields(lines.Text()) {
		k, err := base64.StdEncoding.DecodeString(key)
		if err != nil {
			return err
		}
		l.keys = append(l.keys, k)
	}
	urls, failed := make(chan string), make(chan error, limitJobs)
	var workers sync.WaitGroup
	for range limitJobs {
		workers.Go(func() {
			for url := range urls {
				if err := l.take(url); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for lines.Scan() {
		select {
		case urls <- lines.Text():
		case err := <-failed:
			return err
		}
	}
	close(urls)
	workers.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	if got := fmt.Sprint(l.verified.Load()); got != documents {
		return fmt.Errorf("%s documents verified, want %s", got, documents)
	}
	return done(int(l.verified.Load()))
}

type limit struct {
	client   *http.Client
	keys     []ed25519.PublicKey
	verified atomic.Int64
}

func (l *limit) take(url string) error {
	stored := !strings.Contains(url, "/api/")
	switch {
	case stored && strings.HasSuffix(url, string(certs.FormSignature)): // with its document
		return nil
	case stored && strings.HasSuffix(url, certs.DocumentName):
		return l.signed(url)
	}
	return l.fetch(url, io.Discard)
}

// fetch reads what a URL gives.
func (l *limit) fetch(url string, w io.Writer) error {
	resp, err := l.client.Get(url) //nolint:noctx // it ends with the program
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	encoding := transport.Identity
	if resp.Header.Get("Content-Encoding") == "gzip" {
		encoding = transport.Gzip
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(hash, w), transport.Decode(url, resp.Body, encoding, 1<<30))
	hash.Sum(nil)
	return err
}

func (l *limit) signed(url string) error {
	var document, signature bytes.Buffer
	if err := l.fetch(url, &document); err != nil {
		return err
	}
	if err := l.fetch(url+".sig", &signature); err != nil {
		return err
	}
	for _, k := range l.keys {
		if ed25519.Verify(k, document.Bytes(), signature.Bytes()) {
			l.verified.Add(1)
			return nil
		}
	}
	return fmt.Errorf("%s does not verify", url)
}
