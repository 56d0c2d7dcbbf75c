// One task: who signed it, what it takes and who takes it, and what was found.
const TASK = (() => {
  const portion = 40;

  function facts(task) {
    const list = element("dl", {class: "facts"});
    const add = (name, value, mono) => {
      if (value) list.append(element("div", {}, element("dt", {}, name), element("dd", mono ? {class: "mono"} : {}, typeof value === "string" ? foreign(value) : value)));
    };
    const method = text(task, "method");
    add("Verdict", element("span", {class: lookOf(task).look}, mark(lookOf(task)), " ", text(task, "verdict")));
    add("Status", text(task, "status"));
    add("Kind", text(task, "kind"));
    add("Worker pool", text(task, "pool"));
    add("Worker", text(task, "impl"));
    if (method === "none") add("Signer", "no signature that can be checked");
    else if (!method) add("Signer", "none is established");
    else {
      add("Signer", text(task, "identity") || method);
      add("Method", method);
      add("Key id", text(task, "key"), true);
    }
    const at = text(task, "signedAt");
    if (method && at) add("Signed", at + (text(task, "timeSource") ? ", by the " + text(task, "timeSource") : ""));
    add("Repository", text(task, "repository"));
    add("Revision", text(task, "revision"), true);
    if (number(task, "parent") >= 0) add("Created by", element("span", {}, foreign(nameOf(number(task, "parent"))), " ", taskLink(number(task, "parent"))));
    else add("Created by", text(task, "parentID"), true);
    add("Task group", text(task, "group"), true);
    add("Image", text(task, "image"));
    add("Image digest", text(task, "imageHash"), true);
    return list;
  }

  // way leads from the task along those that created it to the tree.
  function way(task) {
    const list = element("ol", {class: "chain"});
    const seen = new Set();
    for (let at = task; at >= 0 && !seen.has(at) && seen.size < 50; at = number(at, "parent")) {
      const look = lookOf(at);
      list.append(element("li", {class: look.look},
        element("p", {class: "what"}, seen.size ? "created by" : "this task"),
        element("p", {class: "name"}, mark(look), " ", foreign(nameOf(at)), element("span", {class: "word"}, text(at, "verdict"))),
        element("p", {class: "detail"}, seen.size ? taskLink(at) : element("span", {class: "mono"}, refOf(at)))));
      seen.add(at);
      task = at;
    }
    const repository = text(task, "repository");
    list.append(element("li", {class: repository ? "tree" : "tree bad"},
      element("p", {class: "what"}, "tree"),
      repository ? [element("p", {class: "name"}, foreign(repository)), element("p", {class: "detail mono"}, text(task, "revision"))]
        : element("p", {class: "name"}, "✗ not established")));
    return list;
  }

  function findings(task) {
    const out = [];
    let last = null, box = null;
    for (const f of findingsOf(task)) {
      if (!last || last.rule !== f.rule || last.weight !== f.weight || last.accepted !== f.accepted) {
        if (box) box.append(advice(last));
        const kind = [
          "", "trying again may help", "follows from what else failed", "warning", "accepted by " + f.accepted,
        ][f.weight];
        const look = f.weight === ERROR || f.weight === DERIVED ? {mark: "✗", look: "bad"} : {mark: f.weight === HEALS ? "?" : "!", look: f.weight === WARNING ? "note" : "warn"};
        box = element("article", {class: "cause " + look.look},
          element("h5", {class: "mono"}, mark(look), " ", f.rule, kind ? element("span", {class: "kind"}, kind) : ""));
        out.push(box);
      }
      last = f;
      box.append(element("div", {class: "finding"},
        element("p", {}, foreign(f.message)),
        f.path ? element("p", {class: "at"}, "at ", element("code", {}, f.path)) : "",
        f.evidence ? difference(f.evidence) : ""));
    }
    if (box) box.append(advice(last));
    return out;
  }

  function difference(lines) {
    const looks = {"-": ["want", "expected"], "+": ["got", "found"], "·": ["both", "found"], " ": ["both", ""]};
    return element("div", {class: "diff"}, lines.split("\n").map((line) => {
      const [look, word] = looks[line[0]] || looks[" "];
      return element("div", {class: look}, element("span", {class: "sign", "aria-hidden": "true"}, line[0]),
        word ? [element("span", {class: "label"}, word), " "] : "", element("code", {}, line.slice(1)));
    }));
  }

  function advice(f) {
    const rule = rules.get(f.rule) || {};
    const list = element("dl", {class: "advice"});
    const add = (name, value) => { if (value) list.append(element("div", {}, element("dt", {}, name), element("dd", {}, value))); };
    if (f.weight !== WARNING) add("Usual causes", rule.cause);
    if (f.weight !== ACCEPTED) add("What to do", foreign(f.next));
    if (rule.page) add("The rule", element("a", {href: rule.page, rel: "noopener noreferrer"}, f.rule));
    return list;
  }

  function input(i) {
    return [
      element("span", {class: "dim"}, i.reason, ": "),
      i.to >= 0 ? [element("span", {class: lookOf(i.to).look}, mark(lookOf(i.to))), " ", foreign(nameOf(i.to)), " ", taskLink(i.to)] : [element("span", {class: "mono"}, i.ref), " (not in the report)"],
      i.artifact ? [" ", element("code", {}, i.artifact)] : "",
      i.pinned ? "" : element("span", {class: "dim"}, " · not pinned"),
    ].flat();
  }

  // show fills the panel with a task.
  function show(panel, task, close) {
    const head = element("h3", {tabindex: "-1"}, foreign(nameOf(task)));
    const parts = [
      element("div", {class: "head"}, element("div", {}, head, element("p", {class: "mono dim"}, refOf(task))),
        element("button", {type: "button", click: close}, "Close")),
    ];
    const section = (name, n, ...body) => { if (n) parts.push(element("h4", {}, name), ...body.flat()); };
    const found = findings(task), inputs = inputsOf(task), used = users.of(task), made = artifactsOf(task), claims = claimsOf(task);
    // What failed comes first; warnings can wait.
    const failed = findingsOf(task).some((f) => f.weight <= DERIVED);
    section("Found", failed, found);
    parts.push(facts(task));
    section("Found", found.length && !failed, found);
    section("Way to the tree", true, way(task));
    section("Takes from " + plural(inputs.length, "input"), inputs.length, more(inputs, portion, input));
    section("Needed by " + plural(used.length, "task"), used.length, more(used, portion, (i) => [mark(lookOf(i)), " ", foreign(nameOf(i)), " ", taskLink(i)]));
    section("Artifacts", made.length, more(made, portion, (a) => [mark(looks(a.verdict)), " ", foreign(a.name), " ", element("span", {class: "dim"}, a.size), " ", element("span", {class: "mono dim"}, a.sum)]));
    section("The task’s own word", claims.length, more(claims, portion, (c) => element("code", {}, c)));
    panel.replaceChildren(...parts);
    panel.hidden = false;
    panel.scrollTop = 0;
    return head;
  }
  return {show};
})();
