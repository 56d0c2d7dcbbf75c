// The report: texts once, all else as numbers, in the order in which data.go
// writes them.
const data = JSON.parse(document.getElementById("data").textContent);
const texts = data.texts;

const COLUMNS = [
  "id", "run", "name", "kind", "verdict", "status", "parent", "parentID", "group", "pool", "impl",
  "repository", "revision", "method", "identity", "key", "signedAt", "timeSource", "image", "imageHash",
  "inputs", "findings", "claims", "artifacts",
];
const WIDTH = COLUMNS.length;
const COLUMN = Object.fromEntries(COLUMNS.map((name, i) => [name, i]));
const COUNT = data.tasks.length / WIDTH;
const INPUT = 5, FINDING = 7, ARTIFACT = 4;
const ERROR = 0, HEALS = 1, DERIVED = 2, WARNING = 3, ACCEPTED = 4;

const number = (task, column) => data.tasks[task * WIDTH + COLUMN[column]];
const text = (task, column) => texts[number(task, column)];
const plural = (n, what) => n.toLocaleString("en") + " " + what + (n === 1 ? "" : "s");
const refOf = (task) => number(task, "run") < 0 ? text(task, "id") : text(task, "id") + "/" + number(task, "run");
const nameOf = (task) => text(task, "name") || "(no name)";

// Where each task's inputs and so on begin.
const starts = {};
for (const column of ["inputs", "findings", "claims", "artifacts"]) {
  const at = new Uint32Array(COUNT + 1);
  for (let i = 0; i < COUNT; i++) at[i + 1] = at[i] + number(i, column);
  starts[column] = at;
}

// each calls visit with the place of every entry that a task has of a kind.
function each(task, column, visit) {
  const at = starts[column];
  for (let i = at[task]; i < at[task + 1]; i++) visit(i);
}

function inputsOf(task) {
  const out = [];
  each(task, "inputs", (i) => {
    const [to, ref, reason, artifact, pinned] = data.inputs.slice(i * INPUT, (i + 1) * INPUT);
    out.push({to, ref: texts[ref], reason: texts[reason], artifact: texts[artifact], pinned: pinned === 1});
  });
  return out;
}

function findingsOf(task) {
  const out = [];
  each(task, "findings", (i) => {
    const f = data.findings.slice(i * FINDING, (i + 1) * FINDING);
    out.push({
      rule: texts[f[0]], weight: f[1], message: texts[f[2]], path: texts[f[3]], evidence: texts[f[4]],
      next: texts[f[5]], accepted: texts[f[6]],
    });
  });
  return out.sort((a, b) => a.weight - b.weight);
}

function artifactsOf(task) {
  const out = [];
  each(task, "artifacts", (i) => {
    const [name, sum, size, verdict] = data.artifacts.slice(i * ARTIFACT, (i + 1) * ARTIFACT).map((t) => texts[t]);
    out.push({name, sum, size, verdict});
  });
  return out;
}

const claimsOf = (task) => {
  const out = [];
  each(task, "claims", (i) => out.push(texts[data.claims[i]]));
  return out;
};

// What is known of each rule.
const rules = new Map();
for (let i = 0; i < data.rules.length; i += 3) {
  rules.set(texts[data.rules[i]], {cause: texts[data.rules[i + 1]], page: texts[data.rules[i + 2]]});
}

// Who takes from whom, the other way round: the users of each task.
const users = (() => {
  const at = new Uint32Array(COUNT + 1);
  const count = (to) => { if (to >= 0) at[to + 1]++; };
  for (let i = 0; i < data.inputs.length; i += INPUT) count(data.inputs[i]);
  for (let i = 0; i < COUNT; i++) count(number(i, "parent"));
  for (let i = 0; i < COUNT; i++) at[i + 1] += at[i];
  const fill = at.slice(), of = new Uint32Array(at[COUNT]);
  for (let i = 0; i < COUNT; i++) {
    const parent = number(i, "parent");
    if (parent >= 0) of[fill[parent]++] = i;
    each(i, "inputs", (j) => { const to = data.inputs[j * INPUT]; if (to >= 0) of[fill[to]++] = i; });
  }
  // A user stands in ways as often as it has ways to the task.
  const ways = (task) => of.subarray(at[task], at[task + 1]);
  return {ways, of: (task) => [...new Set(ways(task))]};
})();

// Nothing is wrong with these; what a whole graph only lists changes no verdict.
const GOOD = new Set(["verified", "signed", "accepted", "listed"]);
const looks = (verdict) => {
  switch (verdict) {
    case "verified": case "signed": return {mark: "✓", look: "ok"};
    case "accepted": return {mark: "!", look: "warn"};
    case "undetermined": return {mark: "?", look: "warn"};
    case "listed": return {mark: "–", look: "dim"};
  }
  return {mark: "✗", look: "bad"};
};
const lookOf = (task) => looks(text(task, "verdict"));
const badness = (verdict) => verdict === "undetermined" ? 2 : verdict === "accepted" ? 1 : GOOD.has(verdict) ? 0 : 3;

// The first place of each task by its reference and by its id alone.
const places = new Map();
for (let i = COUNT - 1; i >= 0; i--) {
  places.set(refOf(i), i);
  places.set(text(i, "id"), i);
}
