package html

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/trace"
)

var phone = screen{width: 360, height: 740, mobile: true}

var shownReports = map[string]func() *trace.Report{
	"good": good, "refused": refused, "accepted": accepted, "spoiled": spoiled, "zero": func() *trace.Report { return &trace.Report{} },
	"large": func() *trace.Report { return large(2000) },
}

// openGraph brings the graph into view, which draws it.
func (p *tab) openGraph(t *testing.T) {
	t.Helper()
	p.eval(t, `document.getElementById("graph").scrollIntoView()`)
	p.until(t, `document.querySelector("#graph-view svg.drawn")`)
}

// openTask opens a task by its place in the list.
func (p *tab) openTask(t *testing.T, at int) {
	t.Helper()
	p.eval(t, fmt.Sprintf(`document.querySelector('.row[aria-rowindex="%d"]').click()`, at+1))
	p.until(t, `!document.getElementById("task").hidden`)
}

func TestPageRunsWithinItsPolicy(t *testing.T) {
	b := chromium(t)
	for name, make := range shownReports {
		p := b.show(t, make(), desktop)
		p.openGraph(t)
		if name != "zero" {
			p.openTask(t, 0)
		}
		if p.eval(t, `document.documentElement.className`) != "js" {
			t.Errorf("%s: the script did not run", name)
		}
		if p.eval(t, `getComputedStyle(document.querySelector("header")).borderLeftStyle`) != "solid" {
			t.Errorf("%s: the style does not count", name)
		}
		p.quiet(t)
		p.picture(t, "policy-"+name, false)
	}
}

// The twin: what is not ours does not run, and the test would see it.
func TestPolicyStopsWhatIsNotOurs(t *testing.T) {
	b := chromium(t)
	page := written(t, good())
	for name, foreign := range map[string]string{
		"a script":     "<script>window.hit=1</script>",
		"a handler":    "<img src=\"data:,\" onerror=\"window.hit=1\">",
		"a style":      "<style>body{display:none}</style>",
		"an image":     "<img src=\"https://evil.invalid/x.png\">",
		"a frame":      "<iframe src=\"data:text/html,x\"></iframe>",
		"a form":       "<form action=\"https://evil.invalid\" id=f></form>",
		"HTML of ours": "<p id=place></p>",
	} {
		p := b.open(t, strings.Replace(page, "</body>", foreign+"</body>", 1), desktop)
		switch name {
		case "a form":
			p.eval(t, `document.getElementById("f").submit()`)
		case "HTML of ours":
			p.eval(t, `try { document.getElementById("place").innerHTML = "<b>x</b>" } catch (e) { console.log("refused") }`)
		}
		p.until(t, `document.readyState === "complete"`)
		if p.eval(t, `window.hit`) != nil || p.eval(t, `document.querySelector("#place b")`) != nil || p.eval(t, `getComputedStyle(document.body).display`) == "none" {
			t.Errorf("%s counts", name)
		}
		p.lock.Lock()
		if len(p.said) == 0 {
			t.Errorf("%s is not complained about", name)
		}
		p.lock.Unlock()
	}
}

func TestHostileTextDoesNotRun(t *testing.T) {
	b := chromium(t)
	r := spoiled()
	p := b.show(t, r, desktop)
	p.openGraph(t)
	for i := range r.Tasks {
		p.openTask(t, i)
		if text, _ := p.eval(t, `document.getElementById("task").textContent`).(string); !strings.Contains(text, "<img src=x onerror=window.hit=1>") {
			t.Errorf("task %d does not show its name: %s", i, text)
		}
	}
	for _, g := range []string{"kind", "group", "failure", "pool"} {
		p.eval(t, `(() => { const s = document.getElementById("grouping"); s.value = "`+g+`"; s.dispatchEvent(new Event("change")); })()`)
		if n := p.eval(t, `document.querySelectorAll(".node").length`); n == 0.0 {
			t.Errorf("by %s there is no node", g)
		}
	}
	p.eval(t, `location.hash = "#task=%E0%A4%A"`)
	p.eval(t, `location.hash = "#search=" + encodeURIComponent("<img src=x onerror=window.hit=1>")`)
	p.until(t, `document.getElementById("search").value.startsWith("<img")`)
	if p.eval(t, `window.hit`) != nil {
		t.Error("hostile text ran")
	}
	if n := p.eval(t, `document.querySelectorAll("img, iframe, object, embed, form, base, svg script").length`); n != 0.0 {
		t.Errorf("%v elements came out of text", n)
	}
	if to := p.eval(t, `[...document.querySelectorAll("a")].map(a => a.getAttribute("href")).find(h => !h.startsWith("#"))`); to != nil {
		t.Errorf("a link leads to %v", to)
	}
	p.quiet(t)
}

func TestSearch(t *testing.T) {
	p := chromium(t).show(t, large(20000), desktop)
	for query, want := range map[string]string{
		"":                                   "20,000 tasks",
		id(12345):                            "1 of 20,000 tasks",
		id(12345) + "/0":                     "1 of 20,000 tasks",
		id(12345) + "/1":                     "0 of 20,000 tasks",
		"OPT-19999":                          "1 of 20,000 tasks",
		"l10n platform3":                     "286 of 20,000 tasks",
		"kind:docker-image":                  "1,999 of 20,000 tasks",
		"verdict:untrusted":                  "20 of 20,000 tasks",
		"rule:differs-from-task-graph":       "20 of 20,000 tasks",
		"rule:differs":                       "0 of 20,000 tasks",
		"pool:t-win verdict:untrusted":       "2 of 20,000 tasks",
		"nothing-is-called-like-that":        "0 of 20,000 tasks",
		"unknown:field":                      "0 of 20,000 tasks",
		"rule:input-unpinned kind:decision ": "0 of 20,000 tasks",
	} {
		p.eval(t, `(() => { const s = document.getElementById("search"); s.focus(); s.select(); document.execCommand("delete"); })()`)
		p.typed(t, query)
		if got := p.eval(t, `document.getElementById("search-count").textContent`); got != want {
			t.Errorf("%q: %v, want %s", query, got, want)
		}
	}
	p.eval(t, `(() => { const s = document.getElementById("search"); s.focus(); s.select(); })()`)
	p.typed(t, "opt-19999")
	if row := p.eval(t, `document.querySelector(".row").textContent`); !strings.Contains(fmt.Sprint(row), id(19999)+"/0") {
		t.Errorf("the first row is %v", row)
	}
	p.until(t, `document.getElementById("said").textContent === "1 of 20,000 tasks"`) // for those who listen
	p.press(t, "Escape")
	if got := p.eval(t, `document.getElementById("search-count").textContent`); got != "20,000 tasks" {
		t.Errorf("after Escape: %v", got)
	}
	p.until(t, `document.getElementById("said").textContent === "20,000 tasks"`)
	p.eval(t, `(() => { const s = document.getElementById("verdicts"); s.value = "untrusted"; s.dispatchEvent(new Event("change")); })()`)
	if got := p.eval(t, `document.getElementById("search-count").textContent`); got != "20 of 20,000 tasks" {
		t.Errorf("by verdict: %v", got)
	}
	p.quiet(t)
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// A cause's link lists the tasks that it is about.
func TestCauseListsItsTasks(t *testing.T) {
	p := chromium(t).show(t, large(2000), desktop)
	p.eval(t, `document.querySelector('#failures a[href="#search=rule:differs-from-task-graph"]').click()`)
	p.until(t, `document.getElementById("search-count").textContent === "2 of 2,000 tasks"`)
	p.eval(t, `document.querySelector('#failures a.ref').click()`)
	p.until(t, `document.querySelector("#task h3")?.textContent.endsWith("-00997")`)
	p.eval(t, `history.back()`)
	p.until(t, `document.getElementById("search").value === "rule:differs-from-task-graph"`)
}

func TestKeys(t *testing.T) {
	p := chromium(t).show(t, large(2000), desktop)
	focused := func(what, condition string) {
		t.Helper()
		if p.eval(t, condition) != true {
			t.Errorf("%s: the focus is on %v", what, p.eval(t, `document.activeElement.outerHTML.slice(0, 300)`))
		}
	}
	row := func(n int) string {
		return fmt.Sprintf(`document.activeElement.getAttribute("aria-rowindex") === "%d"`, n)
	}
	p.press(t, "Tab")
	focused("Tab", `document.activeElement.className === "skip" && getComputedStyle(document.activeElement).outlineStyle !== "none"`)
	p.press(t, "/")
	focused("/", `document.activeElement.id === "search"`)
	p.press(t, "/")
	if got := p.eval(t, `document.getElementById("search").value`); got != "/" {
		t.Errorf("a slash within the search is %v", got)
	}
	p.press(t, "Escape")
	p.press(t, "ArrowDown")
	focused("down from the search", row(1))
	p.press(t, "ArrowDown")
	focused("down", row(2))
	p.press(t, "ArrowUp")
	focused("up", row(1))
	p.press(t, "End")
	focused("End", row(2000))
	p.press(t, "Home")
	focused("Home", row(1))
	p.press(t, "PageDown")
	if at := p.eval(t, `Number(document.activeElement.getAttribute("aria-rowindex"))`); at.(float64) < 5 {
		t.Errorf("PageDown leads to %v", at)
	}
	p.press(t, "Home")
	p.press(t, "Enter")
	p.until(t, `document.activeElement.matches("#task h3")`)
	if p.eval(t, `document.querySelector(".row[aria-selected=true]").getAttribute("aria-rowindex")`) != "1" {
		t.Error("the row of the task is not marked")
	}
	p.press(t, "Escape")
	focused("Escape", row(1))
	if p.eval(t, `document.getElementById("task").hidden`) != true {
		t.Error("the task is still shown")
	}
	p.quiet(t)
}

func TestKeysOfTheGraph(t *testing.T) {
	p := chromium(t).show(t, large(2000), desktop)
	p.openGraph(t)
	label := func() string { return fmt.Sprint(p.eval(t, `document.activeElement.getAttribute("aria-label")`)) }
	view := func() string {
		return fmt.Sprint(p.eval(t, `document.querySelector("#graph-view .canvas svg > g").getAttribute("transform")`))
	}
	nodes := func() float64 { return p.eval(t, `document.querySelectorAll(".node").length`).(float64) }
	if n := p.eval(t, `document.querySelectorAll('.node[tabindex="0"]').length`); n != 1.0 {
		t.Errorf("%v nodes can be reached by Tab, want 1", n)
	}
	p.eval(t, `document.querySelector('.node[tabindex="0"]').focus()`)
	if got := label(); got != "task Gecko Decision Task, verified" {
		t.Errorf("first: %s", got)
	}
	p.press(t, "ArrowUp")
	if got := label(); !strings.HasPrefix(got, "tree hg.mozilla.org/mozilla-central at 0123456789abcdef") {
		t.Errorf("up: %s", got)
	}
	p.press(t, "ArrowDown")
	p.press(t, "ArrowDown")
	if got := label(); !strings.HasPrefix(got, "docker-image, ") || !strings.Contains(got, "199 tasks, verified") {
		t.Errorf("down: %s", got)
	}
	if p.eval(t, `document.activeElement.getAttribute("aria-expanded")`) != "false" {
		t.Error("a closed node does not say so")
	}
	closed := nodes()
	p.press(t, "Enter")
	if got := nodes(); got != closed+30 {
		t.Errorf("%v nodes after opening one of %v", got, closed)
	}
	if got := label(); !strings.HasPrefix(got, "task docker-image-platform") {
		t.Errorf("opened: %s", got)
	}
	p.until(t, `document.getElementById("said").textContent.includes("is open: 30 tasks")`)
	p.press(t, "Backspace")
	if got := nodes(); got != closed {
		t.Errorf("%v nodes after closing it, want %v", got, closed)
	}
	if got := label(); !strings.HasPrefix(got, "docker-image, ") {
		t.Errorf("closed: %s", got)
	}
	p.press(t, "0")
	at := view()
	for _, key := range []string{"+", "-"} {
		p.press(t, key)
		if view() == at {
			t.Errorf("%s does not zoom", key)
		}
		p.press(t, "0")
		if view() != at {
			t.Errorf("0 does not fit: %s, want %s", view(), at)
		}
	}
	p.shifted(t, "ArrowRight")
	if view() == at {
		t.Error("Shift and an arrow do not move the view")
	}
	p.press(t, "Enter")
	p.press(t, "Enter")
	p.until(t, `document.activeElement.matches("#task h3")`)
	p.quiet(t)
}

// The graph can be moved and opened by a pointer.
func TestPointerInTheGraph(t *testing.T) {
	p := chromium(t).show(t, large(2000), desktop)
	p.openGraph(t)
	view := func() string {
		return fmt.Sprint(p.eval(t, `document.querySelector("#graph-view .canvas svg > g").getAttribute("transform")`))
	}
	nodes := func() float64 { return p.eval(t, `document.querySelectorAll(".node").length`).(float64) }
	place := p.eval(t, `(() => { const r = document.querySelector(".node.many").getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`).([]any)
	mouse := func(kind string, dx, dy float64) {
		p.call(t, "Input.dispatchMouseEvent", map[string]any{
			"type": kind, "x": place[0].(float64) + dx, "y": place[1].(float64) + dy, "button": "left", "buttons": 1, "clickCount": 1,
		})
	}
	before, closed := view(), nodes()
	mouse("mousePressed", 0, 0)
	mouse("mouseMoved", 30, 20)
	mouse("mouseMoved", 60, 40)
	mouse("mouseReleased", 60, 40)
	if view() == before {
		t.Error("dragging does not move the view")
	}
	if nodes() != closed {
		t.Error("dragging opens a node")
	}
	mouse("mousePressed", 60, 40)
	mouse("mouseReleased", 60, 40)
	if nodes() <= closed {
		t.Error("a click does not open a node")
	}
	p.quiet(t)
}

// Twenty thousand tasks are in the data, not in the page.
func TestLargeGraphKeepsThePageSmall(t *testing.T) {
	r := large(20000)
	edges := 0
	for i := range r.Tasks {
		edges += len(r.Tasks[i].Inputs) + 1
	}
	if edges < 100_000 {
		t.Fatalf("the graph has only %d edges", edges)
	}
	p := chromium(t).show(t, r, desktop)
	small := func(when string) {
		t.Helper()
		if n := p.eval(t, `document.querySelectorAll("*").length`).(float64); n > 4000 {
			t.Errorf("%s the page has %v elements", when, n)
		}
	}
	small("at first")
	t.Logf("ms to the load event, to the first paint: %v", p.eval(t, `JSON.stringify([performance.getEntriesByType("navigation")[0].loadEventEnd, performance.getEntriesByName("first-contentful-paint")[0]?.startTime])`))
	p.openGraph(t)
	p.picture(t, "large-graph", false)
	small("with its graph")
	if p.eval(t, `document.querySelectorAll(".node.many").length`).(float64) < 5 {
		t.Error("the graph is not put together by kind")
	}
	p.eval(t, `document.querySelectorAll(".node.many").forEach(() => document.querySelector(".node.many").dispatchEvent(new MouseEvent("click")))`)
	small("with all nodes open")
	p.eval(t, `document.getElementById("search").dispatchEvent(new Event("input"))`) // a node's rest was listed
	p.eval(t, `document.querySelector(".list").scrollTop = 1e9`)
	p.until(t, `document.querySelector('.row[aria-rowindex="20000"]')`)
	small("at the end of the list")
	if n := p.eval(t, `document.querySelectorAll(".row").length`).(float64); n > 60 {
		t.Errorf("%v rows are in the page", n)
	}
	p.openTask(t, 19999)
	small("with a task")
	p.eval(t, `location.hash = "#task=" + `+quoted(id(0)+"/0")) // 20,000 tasks rest on it
	p.until(t, `document.querySelector("#task h3")?.textContent === "Gecko Decision Task"`)
	small("with the decision task")
	p.quiet(t)
}

// Names that somebody chooses make no more nodes than can be read.
func TestManyGroupsStayFewNodes(t *testing.T) {
	r := large(3000)
	for i := range r.Tasks {
		s := fmt.Sprintf("x%d", i)
		r.Tasks[i].Type, r.Tasks[i].WorkerPool, r.Tasks[i].Group = s, s, s
		r.Tasks[i].Name = s + "-" + r.Tasks[i].Name
	}
	p := chromium(t).show(t, r, desktop)
	p.openGraph(t)
	for _, g := range []string{"kind", "group", "failure", "pool"} {
		p.eval(t, `(() => { const s = document.getElementById("grouping"); s.value = "`+g+`"; s.dispatchEvent(new Event("change")); })()`)
		if n := p.eval(t, `document.querySelectorAll(".node").length`).(float64); n < 2 || n > 253 {
			t.Errorf("by %s there are %v nodes", g, n)
		}
		if n := p.eval(t, `document.querySelectorAll(".flow").length`).(float64); n > 1300 {
			t.Errorf("by %s there are %v flows", g, n)
		}
	}
}

func TestPhoneNeedsNoScrollingAcross(t *testing.T) {
	b := chromium(t)
	for name, make := range shownReports {
		p := b.show(t, make(), phone)
		p.openGraph(t)
		if name != "zero" {
			p.openTask(t, 0)
		}
		wide := p.eval(t, `document.documentElement.scrollWidth`).(float64)
		if wide > float64(phone.width) {
			t.Errorf("%s: the page is %v wide: %v", name, wide, p.eval(t, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll, nav, .canvas, .list")).slice(0, 5).map(e => e.outerHTML.slice(0, 120))`))
		}
		p.picture(t, "phone-"+name, false)
	}
}

// contrasts are the texts that can't be read well: WCAG's measure, 4.5 for all.
const contrasts = `(() => {
	const rgb = (s) => (s.match(/[\d.]+/g) || []).map(Number);
	const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = rgb(getComputedStyle(e).backgroundColor);
			if (c.length === 3 || c[3] === 1) return c;
		}
		return [255, 255, 255];
	};
	const out = [];
	for (const e of document.querySelectorAll("body *")) {
		if (e.closest("svg, script") || !e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
		const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) out.push(ratio.toFixed(2) + " " + e.outerHTML.slice(0, 100));
	}
	return out;
})()`

func TestLightAndDarkCanBeRead(t *testing.T) {
	b := chromium(t)
	grounds := map[bool]any{}
	for _, dark := range []bool{false, true} {
		for name, make := range shownReports {
			p := b.show(t, make(), screen{width: 1280, height: 900, dark: dark})
			if name != "zero" {
				p.openTask(t, 0)
			}
			grounds[dark] = p.eval(t, `getComputedStyle(document.body).backgroundColor`)
			if bad := p.eval(t, contrasts).([]any); len(bad) > 0 {
				t.Errorf("dark %v, %s: %v", dark, name, bad)
			}
		}
	}
	if grounds[false] == grounds[true] {
		t.Errorf("light and dark have one ground, %v", grounds[true])
	}
	// The measure sees what can't be read.
	p := b.show(t, good(), desktop)
	p.eval(t, `document.querySelector(".says").style.color = "#bbb"`)
	if bad := p.eval(t, `document.querySelector(".says bdi").style.color = "#bbb", `+contrasts).([]any); len(bad) != 1 {
		t.Errorf("pale text is not seen: %v", bad)
	}
}

func TestPrint(t *testing.T) {
	b := chromium(t)
	for name, make := range shownReports {
		p := b.show(t, make(), desktop)
		var pdf struct{ Data string }
		p.decode(t, &pdf, p.session, "Page.printToPDF", map[string]any{"printBackground": true})
		if raw, err := base64.StdEncoding.DecodeString(pdf.Data); err != nil || !strings.HasPrefix(string(raw), "%PDF-") {
			t.Errorf("%s: no PDF: %v", name, err)
		}
		p.call(t, "Emulation.setEmulatedMedia", map[string]any{"media": "print"})
		for selector, want := range map[string]bool{"header.verdict": true, "#chain": true, "#summary": true, "#task-table": true, "nav": false, "#graph": false, "#task-view": false} {
			if got := p.eval(t, `document.querySelector("`+selector+`").checkVisibility()`); got != want {
				t.Errorf("%s: %s is printed: %v, want %v", name, selector, got, want)
			}
		}
		if name == "refused" && p.eval(t, `document.getElementById("failures").checkVisibility()`) != true {
			t.Error("the failures are not printed")
		}
	}
}

func TestWithoutScript(t *testing.T) {
	s := desktop
	s.noScript = true
	p := chromium(t).show(t, refused(), s)
	text, _ := p.eval(t, `document.body.innerText`).(string)
	for _, want := range []string{
		"untrusted", "differs-from-task-graph at /payload/env/MOZ_UPDATE_CHANNEL", "What to do:", "firefox-ci", hex64,
		"upstream-artifact", "https://hg.mozilla.org/mozilla-central", revision, "\"https://evil.example\"", "Gecko Decision Task", "Untrusted",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for selector, want := range map[string]bool{"#task-table": true, "#graph": false, "#task-view": false} {
		if got := p.eval(t, `document.querySelector("`+selector+`").checkVisibility()`); got != want {
			t.Errorf("%s is shown: %v, want %v", selector, got, want)
		}
	}
}
