// The nodes and flows of the graph: tasks are put together until what is left can
// be read.
const GROUPS = (() => {
  const maxFamilies = 24; // families of names that stand for themselves
  const maxMembers = 30;  // tasks of an opened node
  const maxNodes = 240, maxFlows = 1200;

  // count the steps by which each task is away from those that take nothing; of a
  // circle, which no honest report has, the members stay at the left.
  function countSteps() {
    const rank = new Uint16Array(COUNT), open = new Uint32Array(COUNT);
    for (let i = 0; i < COUNT; i++) for (const user of users.ways(i)) open[user]++;
    const next = [];
    for (let i = 0; i < COUNT; i++) if (!open[i]) next.push(i);
    for (let at = 0; at < next.length; at++) {
      for (const user of users.ways(next[at])) {
        rank[user] = Math.max(rank[user], rank[next[at]] + 1);
        if (--open[user] === 0) next.push(user);
      }
    }
    return rank;
  }
  let ranks = null;

  // family is how a task's name begins: names are KIND-and-more.
  const family = (() => {
    const first = (task) => nameOf(task).split(/[-/: ]/, 1)[0] || nameOf(task);
    const count = new Map();
    for (let i = 0; i < COUNT; i++) count.set(first(i), (count.get(first(i)) || 0) + 1);
    const kept = new Set([...count].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, maxFamilies).map((c) => c[0]));
    return (task) => kept.has(first(task)) ? first(task) : "";
  })();

  const firstError = (task) => {
    let best = null;
    each(task, "findings", (i) => {
      const weight = data.findings[i * FINDING + 1];
      if (weight <= DERIVED && (!best || weight < best.weight)) best = {rule: texts[data.findings[i * FINDING]], weight};
    });
    return best;
  };

  // Ways to put tasks together: a key, which is a name too, and a second line.
  const groupings = {
    kind: {
      label: "Kind", of(task) {
        const kind = text(task, "kind");
        if (kind !== "task" && kind !== "scriptworker") return [kind || "unknown", ""];
        return family(task) ? [family(task) + "…", kind] : ["other names", kind];
      },
    },
    group: {
      label: "Task group", of(task) {
        const id = text(task, "group");
        if (!id) return ["no group", ""];
        const decision = places.get(id);
        return [id, decision === undefined ? "task group" : nameOf(decision)];
      },
    },
    failure: {
      label: "Failure", of(task) {
        const verdict = text(task, "verdict");
        if (GOOD.has(verdict)) return [verdict, ""];
        const error = firstError(task);
        return error ? [error.rule, error.weight === DERIVED ? "follows from others" : verdict] : ["rests on what failed", verdict];
      },
    },
    pool: {label: "Worker pool", of: (task) => [text(task, "pool") || "no pool", text(task, "impl")]},
  };

  // make gives nodes, flows and the node of each task. opened has the keys of nodes whose tasks are
  // shown one by one.
  function make(grouping, opened) {
    ranks ||= countSteps();
    const nodes = new Map(), of = new Array(COUNT);
    const node = (key, fill) => {
      let n = nodes.get(key);
      if (!n) nodes.set(key, n = {key, tasks: [], worst: "", rank: 0, ...fill});
      return n;
    };
    const members = new Map();
    for (let i = 0; i < COUNT; i++) {
      const [name, about] = groupings[grouping].of(i);
      const key = grouping + ":" + name + ":" + about;
      if (!members.has(key)) members.set(key, {name, about, tasks: []});
      members.get(key).tasks.push(i);
    }
    const crowds = [...members].sort((a, b) => b[1].tasks.length - a[1].tasks.length);
    const put = (n, task) => {
      n.tasks.push(task);
      n.rank += ranks[task];
      of[task] = n;
    };
    let room = maxNodes;
    crowds.forEach(([key, {name, about, tasks}], place) => {
      if (place >= maxNodes / 2) {
        for (const task of tasks) put(node("rest", {title: "all else", sub: "", crowd: true}), task);
        return;
      }
      if (tasks.length === 1) {
        put(node("task:" + tasks[0], {title: nameOf(tasks[0]), sub: refOf(tasks[0]), task: tasks[0]}), tasks[0]);
        return;
      }
      let rest = tasks;
      if (opened.has(key)) {
        const shown = Math.min(maxMembers, Math.max(0, room - crowds.length));
        const worst = [...tasks].sort((a, b) => badness(text(b, "verdict")) - badness(text(a, "verdict")) || a - b);
        for (const task of worst.slice(0, shown)) put(node("task:" + task, {title: nameOf(task), sub: refOf(task), task, from: key}), task);
        room -= shown;
        rest = worst.slice(shown);
      }
      for (const task of rest) put(node(key, {title: name, sub: about, crowd: true, rest: rest !== tasks}), task);
    });
    for (const n of nodes.values()) {
      n.rank /= n.tasks.length;
      n.verdict = n.tasks.reduce((worst, t) => badness(text(t, "verdict")) > badness(worst) ? text(t, "verdict") : worst, text(n.tasks[0], "verdict"));
      n.bad = n.tasks.filter((t) => !GOOD.has(text(t, "verdict"))).length;
    }
    const flows = collect(of);
    const trees = plant(nodes, of, flows);
    const all = [...trees, ...nodes.values()];
    const shown = [...flows.values()].sort((a, b) => b.count - a.count).slice(0, maxFlows);
    return {nodes: all, flows: shown, of};
  }

  // collect counts, between every two nodes, who takes and who was created.
  function collect(of) {
    const flows = new Map();
    const flow = (from, to, made, loose) => {
      if (!from || from === to) return;
      const key = from.key + "\n" + to.key + "\n" + made;
      const f = flows.get(key) || {from, to, made, count: 0, loose: 0};
      f.count++;
      if (loose) f.loose++;
      flows.set(key, f);
    };
    for (let i = 0; i < COUNT; i++) {
      if (number(i, "parent") >= 0) flow(of[number(i, "parent")], of[i], true, false);
      each(i, "inputs", (j) => {
        const to = data.inputs[j * INPUT];
        if (to >= 0) flow(of[to], of[i], false, data.inputs[j * INPUT + 4] === 0);
      });
    }
    return flows;
  }

  // plant adds the trees from which decision tasks were made.
  function plant(nodes, of, flows) {
    const trees = new Map();
    for (let i = 0; i < COUNT; i++) {
      if (number(i, "parent") >= 0 || !text(i, "repository")) continue;
      const key = text(i, "repository") + " " + text(i, "revision");
      if (!trees.has(key)) {
        if (trees.size === 12) continue;
        trees.set(key, {key: "tree:" + key, title: text(i, "repository").replace(/^https:\/\//, ""), sub: text(i, "revision").slice(0, 16), tasks: [], rank: -1, tree: true, bad: 0});
      }
      const from = trees.get(key), id = from.key + "\n" + of[i].key;
      const f = flows.get(id) || {from, to: of[i], made: true, count: 0, loose: 0};
      f.count++;
      flows.set(id, f);
    }
    return [...trees.values()];
  }

  return {make, groupings, maxMembers};
})();
