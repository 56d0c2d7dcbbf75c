package html

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/trace"
)

// browser is a headless Chromium that is spoken to by its DevTools protocol: JSON
// with a zero byte after it, on two pipes.
type browser struct {
	t       *testing.T
	ctx     context.Context
	to      *os.File
	lock    sync.Mutex
	last    int
	answers map[int]chan message
	events  map[string]func(message) // by session
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Session   string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *protocolError  `json:"error,omitempty"`
	sentParam any
}

type protocolError struct {
	Message string `json:"message"`
}

// chromium starts one. Without the program the test is skipped, but fails in CI.
func chromium(t *testing.T) *browser {
	t.Helper()
	program := needed.Program(t, "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	cmd := exec.CommandContext(ctx, program, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{inRead, outWrite}
	cmd.Stderr = &bytes.Buffer{} // so that Wait waits for its children, which write to its directory
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = inRead.Close(), outWrite.Close()
	b := &browser{t: t, ctx: ctx, to: inWrite, answers: map[int]chan message{}, events: map[string]func(message){}}
	go b.listen(outRead)
	t.Cleanup(func() {
		_, _ = b.send(message{Method: "Browser.close"})
		_ = cmd.Wait() // its directory goes after it
		cancel()
		_, _ = inWrite.Close(), outRead.Close()
	})
	return b
}

func (b *browser) listen(from *os.File) {
	r := bufio.NewReader(from)
	for {
		raw, err := r.ReadBytes(0)
		if err != nil {
			b.lock.Lock()
			for id, c := range b.answers {
				close(c)
				delete(b.answers, id)
			}
			b.lock.Unlock()
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimRight(raw, "\x00"), &m) != nil {
			continue
		}
		b.lock.Lock()
		answer, event := b.answers[m.ID], b.events[m.Session]
		delete(b.answers, m.ID)
		b.lock.Unlock()
		switch {
		case m.ID != 0 && answer != nil:
			answer <- m
		case m.ID == 0 && event != nil:
			event(m)
		}
	}
}

// send sends a command and waits for its answer.
func (b *browser) send(m message) (json.RawMessage, error) {
	answer := make(chan message, 1)
	b.lock.Lock()
	b.last++
	m.ID = b.last
	b.answers[m.ID] = answer
	raw, err := json.Marshal(map[string]any{"id": m.ID, "sessionId": m.Session, "method": m.Method, "params": m.sentParam})
	if m.Session == "" {
		raw, err = json.Marshal(map[string]any{"id": m.ID, "method": m.Method, "params": m.sentParam})
	}
	if err == nil {
		_, err = b.to.Write(append(raw, 0))
	}
	b.lock.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case got, ok := <-answer:
		if !ok {
			return nil, fmt.Errorf("%s: the browser is gone", m.Method)
		}
		if got.Error != nil {
			return nil, fmt.Errorf("%s: %s", m.Method, got.Error.Message)
		}
		return got.Result, nil
	case <-b.ctx.Done():
		return nil, fmt.Errorf("%s: %w", m.Method, b.ctx.Err())
	}
}

// tab is a page in the browser.
type tab struct {
	*browser
	session string
	lock    sync.Mutex
	said    []string // errors, violations and whatever the console was told
	asked   []string // addresses that were asked for
	loaded  chan struct{}
}

// screen is what a tab looks like.
type screen struct {
	width, height int
	mobile, dark  bool
	noScript      bool
}

var desktop = screen{width: 1280, height: 900}

// show writes a report to a file and opens it.
func (b *browser) show(t *testing.T, r *trace.Report, s screen) *tab {
	t.Helper()
	return b.open(t, written(t, r), s)
}

func (b *browser) open(t *testing.T, page string, s screen) *tab {
	t.Helper()
	name := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(name, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	var made struct{ TargetID, SessionID string }
	b.decode(t, &made, "", "Target.createTarget", map[string]any{"url": "about:blank"})
	b.decode(t, &made, "", "Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true})
	p := &tab{browser: b, session: made.SessionID, loaded: make(chan struct{}, 1)}
	b.lock.Lock()
	b.events[p.session] = p.event
	b.lock.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network", "Security"} {
		p.call(t, domain+".enable", nil)
	}
	p.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": s.width, "height": s.height, "deviceScaleFactor": 1, "mobile": s.mobile})
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	p.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}})
	p.call(t, "Emulation.setScriptExecutionDisabled", map[string]any{"value": s.noScript})
	p.call(t, "Page.navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()})
	select {
	case <-p.loaded:
	case <-b.ctx.Done():
		t.Fatal(b.ctx.Err())
	}
	return p
}

func (p *tab) event(m message) {
	p.lock.Lock()
	defer p.lock.Unlock()
	switch m.Method {
	case "Page.loadEventFired":
		select {
		case p.loaded <- struct{}{}:
		default:
		}
	case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening":
		p.said = append(p.said, m.Method+" "+string(m.Params))
	case "Network.requestWillBeSent":
		var sent struct{ Request struct{ URL string } }
		_ = json.Unmarshal(m.Params, &sent)
		p.asked = append(p.asked, sent.Request.URL)
	}
}

// quiet fails if the page made a mistake, broke its policy, or asked for
// anything but itself.
func (p *tab) quiet(t *testing.T) {
	t.Helper()
	p.eval(t, "1") // what was said before has arrived
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, s := range p.said {
		t.Errorf("the page says: %s", s)
	}
	for _, s := range p.asked {
		if !strings.HasPrefix(s, "file:") && s != "data:," || strings.HasPrefix(s, "file:") && !strings.HasSuffix(s, "/report.html") {
			t.Errorf("the page asks for %s", s)
		}
	}
}

func (b *browser) decode(t *testing.T, into any, session, method string, params any) {
	t.Helper()
	raw, err := b.send(message{Session: session, Method: method, sentParam: params})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
}

func (p *tab) call(t *testing.T, method string, params any) {
	t.Helper()
	p.decode(t, &struct{}{}, p.session, method, params)
}

// eval gives the value of an expression, as JSON has it.
func (p *tab) eval(t *testing.T, expression string) any {
	t.Helper()
	var out struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.decode(t, &out, p.session, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true})
	if e := out.ExceptionDetails; e != nil {
		t.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	return out.Result.Value
}

// until waits for a condition, frame by frame.
func (p *tab) until(t *testing.T, condition string) {
	t.Helper()
	var out struct{ Result struct{ Value any } }
	p.decode(t, &out, p.session, "Runtime.evaluate", map[string]any{
		"expression": `new Promise((done) => {
			let frames = 0;
			const look = () => (` + condition + `) ? done(true) : ++frames > 600 ? done(false) : requestAnimationFrame(look);
			look();
		})`, "returnByValue": true, "awaitPromise": true,
	})
	if out.Result.Value != true {
		t.Fatalf("never true: %s", condition)
	}
}

// keys are those that tests press.
var keys = map[string]int{
	"ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Escape": 27, "Backspace": 8, "Tab": 9,
	"End": 35, "Home": 36, "PageDown": 34,
}

// press presses a key.
func (p *tab) press(t *testing.T, key string) {
	t.Helper()
	p.pressWith(t, key, 0)
}

// shifted presses a key while Shift is down.
func (p *tab) shifted(t *testing.T, key string) {
	t.Helper()
	p.pressWith(t, key, 8)
}

func (p *tab) pressWith(t *testing.T, key string, modifiers int) {
	t.Helper()
	params := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": keys[key], "modifiers": modifiers}
	if len(key) == 1 {
		params["text"] = key
	}
	if key == "Enter" {
		params["text"] = "\r"
	}
	p.call(t, "Input.dispatchKeyEvent", params)
	delete(params, "text")
	params["type"] = "keyUp"
	p.call(t, "Input.dispatchKeyEvent", params)
}

func (p *tab) typed(t *testing.T, text string) {
	t.Helper()
	p.call(t, "Input.insertText", map[string]any{"text": text})
}

// picture writes a screenshot where COT_SCREENSHOTS names a directory, for
// people to look at.
func (p *tab) picture(t *testing.T, name string, whole bool) {
	t.Helper()
	dir := os.Getenv("COT_SCREENSHOTS")
	if dir == "" {
		return
	}
	var out struct{ Data string }
	p.decode(t, &out, p.session, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole})
	b, err := base64.StdEncoding.DecodeString(out.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}
