// What is typed, chosen and in the address, put together.
document.documentElement.classList.add("js");

const FIELDS = {
  kind: (t) => text(t, "kind"), verdict: (t) => text(t, "verdict"), status: (t) => text(t, "status"), pool: (t) => text(t, "pool"),
  group: (t) => text(t, "group"), signer: (t) => text(t, "identity") + " " + text(t, "key"), tree: (t) => text(t, "repository") + " " + text(t, "revision"),
  task: refOf, name: nameOf,
};
const haystacks = [];
for (let i = 0; i < COUNT; i++) haystacks.push((refOf(i) + " " + nameOf(i)).toLowerCase());
const firstOrder = [...Array(COUNT).keys()].sort((a, b) => badness(text(b, "verdict")) - badness(text(a, "verdict")) || a - b);

// search gives the tasks that have every word, those that don't hold first.
function search(query) {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const [, field, value] = /^([a-z]+):(.+)$/.exec(word) || [];
    if (field === "rule") {
      const known = new Set();
      for (let i = 0; i < data.findings.length; i += FINDING) {
        const rule = data.findings[i];
        if (!known.has(rule) && texts[rule].toLowerCase() === value) known.add(rule);
      }
      return (t) => {
        let has = false;
        each(t, "findings", (i) => { has ||= known.has(data.findings[i * FINDING]); });
        return has;
      };
    }
    if (field && FIELDS[field]) return (t) => FIELDS[field](t).toLowerCase().includes(value);
    return (t) => haystacks[t].includes(word);
  });
  return firstOrder.filter((t) => tests.every((test) => test(t)));
}

const panel = element("section", {class: "task", "aria-label": "Chosen task", id: "task", hidden: true});
const panes = element("div", {class: "panes"});
const list = LIST.create({choose: (task) => goTo("task", refOf(task))});
const field = element("input", {
  type: "search", id: "search", autocomplete: "off", spellcheck: "false", autocapitalize: "off", "aria-describedby": "search-help search-count",
  placeholder: "task id, label, kind:…, rule:…", input: () => find(),
  keydown: (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      list.focus();
    }
  },
});
const options = (column, all) => {
  const values = new Set();
  for (let i = 0; i < COUNT && values.size < 40; i++) values.add(text(i, column));
  return [element("option", {value: ""}, all), ...[...values].filter(Boolean).sort().map((v) => element("option", {value: v}, v))];
};
const verdicts = element("select", {id: "verdicts", change: () => find()}, options("verdict", "all verdicts"));
const kinds = element("select", {id: "kinds", change: () => find()}, options("kind", "all kinds"));
const counter = element("p", {class: "hint", id: "search-count"});

function find() {
  let found = search(field.value);
  if (verdicts.value) found = found.filter((t) => text(t, "verdict") === verdicts.value);
  if (kinds.value) found = found.filter((t) => text(t, "kind") === kinds.value);
  list.set(found);
  counter.textContent = found.length === COUNT ? plural(COUNT, "task") : found.length.toLocaleString("en") + " of " + plural(COUNT, "task");
  say(counter.textContent);
}

function close() {
  panel.hidden = true;
  panes.classList.remove("open");
  list.select(-1);
  graph.select(-1);
  history.replaceState(null, "", "#tasks");
  list.focus();
}

// follow shows what the address names.
function follow() {
  const [, key, value] = /^#(task|search)=(.*)$/.exec(location.hash) || [];
  if (!key) return;
  let wanted;
  try {
    wanted = decodeURIComponent(value);
  } catch {
    return;
  }
  if (key === "search") {
    field.value = wanted;
    verdicts.value = kinds.value = "";
    find();
    field.scrollIntoView({block: "center"});
    field.focus({preventScroll: true});
    return;
  }
  const task = places.get(wanted);
  if (task === undefined) return;
  panes.classList.add("open");
  const head = TASK.show(panel, task, close);
  list.select(task);
  graph.select(task);
  head.focus({preventScroll: true});
  panel.scrollIntoView({block: "nearest"});
}

const graph = GRAPH.create({
  choose: (task) => goTo("task", refOf(task)),
  list: (node) => {
    list.set(node.tasks);
    counter.textContent = plural(node.tasks.length, "task") + " of the node " + node.title;
    say(counter.textContent);
    list.box.scrollIntoView({block: "center"});
    list.focus();
  },
});

panes.append(list.box, panel);
document.getElementById("task-view").append(
  element("div", {class: "bar", role: "search"},
    element("div", {class: "wide"}, element("label", {for: "search"}, "Search ", element("kbd", {}, "/")), field),
    element("div", {}, element("label", {for: "verdicts"}, "Verdict"), verdicts),
    element("div", {}, element("label", {for: "kinds"}, "Kind"), kinds)),
  counter,
  panes,
  element("p", {class: "hint", id: "search-help"}, "Words are sought in task ids and names; ", element("code", {}, "rule:"), ", ", ...Object.keys(FIELDS).flatMap((f, i) => [i ? ", " : "", element("code", {}, f + ":")]), " narrow it down. ",
    element("kbd", {}, "↑↓"), " and ", element("kbd", {}, "Enter"), " choose a task, ", element("kbd", {}, "Esc"), " leads back."));
document.getElementById("graph-view").append(...graph.parts);

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "Escape" && event.target === field) {
    field.value = "";
    find();
  } else if (event.key === "Escape" && !panel.hidden && !typing) close();
});
window.addEventListener("hashchange", follow);

find();
// The graph waits until somebody comes near it; what is above can be read before.
new IntersectionObserver((entries, observer) => {
  if (!entries.some((e) => e.isIntersecting)) return;
  observer.disconnect();
  graph.start();
}, {rootMargin: "400px"}).observe(document.getElementById("graph-view"));
follow();
