// The graph: nodes that can be opened, by mouse, touch or keys.
const GRAPH = (() => {
  function create({choose, list}) {
    let grouping = "kind", opened = new Set(), drawn = null, current = null;
    let view = {x: 0, y: 0, scale: 1};
    const shapes = new Map(); // key of a node → its element
    const scene = drawing("g");
    const svg = drawing("svg", {role: "group", "aria-label": "Graph of the tasks", "aria-describedby": "graph-help"}, scene);
    const canvas = element("div", {class: "canvas"}, svg);
    const choice = element("select", {id: "grouping", change: () => { grouping = choice.value; opened = new Set(); draw(); fit(); }},
      Object.entries(GROUPS.groupings).map(([key, g]) => element("option", {value: key}, g.label)));
    const button = (name, label, click) => element("button", {type: "button", "aria-label": label, title: label, click}, name);
    const bar = element("div", {class: "bar"},
      element("div", {}, element("label", {for: "grouping"}, "Put together by"), choice),
      button("+", "Zoom in", () => zoom(1.3)), button("−", "Zoom out", () => zoom(1 / 1.3)), button("Fit", "Show all of the graph", fit),
      button("Close all", "Close all nodes that are open", () => { opened.clear(); draw(); fit(); say("All nodes are closed"); }));
    const help = element("p", {class: "hint", id: "graph-help"},
      element("kbd", {}, "↑↓←→"), " from node to node, ", element("kbd", {}, "Enter"), " opens, ", element("kbd", {}, "Backspace"), " closes, ",
      element("kbd", {}, "Shift"), "+", element("kbd", {}, "↑↓←→"), " moves the view, ", element("kbd", {}, "+"), " ", element("kbd", {}, "−"), " ", element("kbd", {}, "0"), " zoom and fit. Drag moves, ", element("kbd", {}, "Ctrl"), "+wheel zooms.");
    const sample = (look, label) => element("span", {}, drawing("svg", {viewBox: "0 0 40 12", "aria-hidden": "true"}, drawing("path", {class: "flow " + look, d: "M2 6H38", "stroke-width": 2})), " ", label);
    const legend = element("p", {class: "hint legend"}, sample("", "takes, pinned"), sample("loose", "takes, not pinned"), sample("made", "created"),
      element("span", {}, "✓ holds  ! accepted  ? undetermined  ✗ untrusted  – listed"));

    function draw() {
      drawn = GROUPS.make(grouping, opened);
      LAYOUT.arrange(drawn, canvas.clientWidth - 40, canvas.clientHeight - 40);
      shapes.clear();
      const flows = drawn.flows.map((f) => f.shape = drawing("path", {
        class: "flow" + (f.made ? " made" : f.loose ? " loose" : ""), d: f.path, "stroke-width": (1.2 + Math.log10(f.count)).toFixed(2),
      }));
      const nodes = drawn.nodes.map(shape);
      scene.replaceChildren(drawing("g", {"aria-hidden": "true"}, flows), drawing("g", {}, nodes));
      if (!current || !shapes.has(current.key)) current = drawn.nodes.find((n) => !n.tree) || drawn.nodes[0] || null;
      else current = drawn.nodes.find((n) => n.key === current.key);
      if (current) shapes.get(current.key).setAttribute("tabindex", "0");
    }

    const clipped = (s, n) => { const c = [...s]; return c.length > n ? c.slice(0, n - 1).join("") + "…" : s; };

    function shape(n) {
      const look = n.tree ? {mark: "", look: "tree"} : looks(n.verdict);
      const counts = n.crowd ? plural(n.tasks.length, "task") + (n.bad ? ", " + n.bad.toLocaleString("en") + " don’t hold" : "") : n.sub;
      const label = n.tree ? "tree " + n.title + " at " + n.sub
        : n.crowd ? `${n.title}, ${n.sub}: ${plural(n.tasks.length, "task")}${n.rest ? " more" : ""}, ${n.bad ? n.bad + " of them " + n.verdict : n.verdict}`
          : `task ${n.title}, ${text(n.task, "verdict")}`;
      const g = drawing("g", {
        class: ["node", look.look, n.crowd ? "many" : ""].join(" "), transform: `translate(${n.x} ${n.y})`, tabindex: "-1",
        role: n.tree ? "img" : "button", "aria-label": label, "aria-expanded": n.crowd ? "false" : undefined,
        focus: () => near(n), mouseenter: () => near(n), click: () => { if (!moved) { focus(n); open(n); } },
      },
      drawing("title", {}, label),
      n.crowd ? drawing("rect", {class: "under", x: 5, y: 5, width: n.w, height: n.h, rx: 6, "aria-hidden": "true"}) : "",
      drawing("rect", {class: "face", width: n.w, height: n.h, rx: n.tree ? 0 : 6}),
      drawing("text", {x: 12, y: 21, "aria-hidden": "true"}, look.mark ? drawing("tspan", {class: "sign"}, look.mark + " ") : "", clipped(n.title, 24)),
      drawing("text", {class: "sub", x: 12, y: 39, "aria-hidden": "true"}, clipped((n.rest ? "and " : "") + counts + (n.crowd && n.sub ? " · " + n.sub : ""), 32)));
      shapes.set(n.key, g);
      return g;
    }

    // near draws the flows of a node over all others.
    function near(n) {
      for (const f of drawn.flows) f.shape.classList.toggle("near", f.from === n || f.to === n);
    }

    function open(n) {
      if (n.tree) return;
      if (!n.crowd) return choose(n.task);
      if (n.rest || n.key === "rest") return list(n);
      opened.add(n.key);
      draw();
      const first = drawn.nodes.find((m) => m.from === n.key);
      if (first) focus(first);
      say(n.title + " is open: " + plural(Math.min(n.tasks.length, GROUPS.maxMembers), "task"));
    }

    function close(n) {
      const key = n.from || n.key;
      if (!opened.delete(key)) return;
      draw();
      const closed = drawn.nodes.find((m) => m.key === key);
      if (closed) focus(closed);
      say((closed ? closed.title : "The node") + " is closed");
    }

    function focus(n) {
      if (current && shapes.has(current.key)) shapes.get(current.key).setAttribute("tabindex", "-1");
      current = n;
      const g = shapes.get(n.key);
      g.setAttribute("tabindex", "0");
      g.focus({preventScroll: true});
      see(n);
    }

    // see moves the view so that a node is in it.
    function see(n) {
      const box = svg.getBoundingClientRect(), pad = 20;
      const left = n.x * view.scale + view.x, top = n.y * view.scale + view.y;
      const right = left + n.w * view.scale, bottom = top + n.h * view.scale;
      if (right > box.width - pad) view.x -= right - box.width + pad;
      if (bottom > box.height - pad) view.y -= bottom - box.height + pad;
      if (left < pad) view.x += pad - left;
      if (top < pad) view.y += pad - top;
      place();
    }

    function place() { scene.setAttribute("transform", `translate(${view.x.toFixed(2)} ${view.y.toFixed(2)}) scale(${view.scale.toFixed(4)})`); }

    function zoom(by, at) {
      const box = svg.getBoundingClientRect();
      const {x, y} = at || {x: box.width / 2, y: box.height / 2};
      const scale = Math.min(3, Math.max(0.05, view.scale * by));
      view = {scale, x: x - (x - view.x) * scale / view.scale, y: y - (y - view.y) * scale / view.scale};
      place();
    }

    function fit() {
      const box = svg.getBoundingClientRect();
      if (!drawn || !drawn.nodes.length || !box.width) return;
      const left = Math.min(...drawn.nodes.map((n) => n.x)), right = Math.max(...drawn.nodes.map((n) => n.x + n.w + 5));
      const top = Math.min(...drawn.nodes.map((n) => n.y)), bottom = Math.max(...drawn.nodes.map((n) => n.y + n.h + 5));
      const scale = Math.min(1, (box.width - 40) / (right - left), (box.height - 40) / (bottom - top));
      // What would be too small to read is shown from where it begins instead.
      const legible = Math.max(scale, 0.7);
      view = {scale: legible, x: (box.width - (right - left) * legible) / 2 - left * legible, y: (box.height - (bottom - top) * legible) / 2 - top * legible};
      if (current && legible > scale) {
        view.x = Math.max(view.x, 20 - left * legible);
        view.y = Math.max(view.y, 20 - top * legible);
        const first = drawn.nodes.reduce((a, b) => b.layer < a.layer ? b : a);
        see(first);
      }
      place();
    }

    // beside finds the nearest node in a direction.
    function beside(n, dx, dy) {
      let best = null, least = Infinity;
      for (const m of drawn.nodes) {
        const x = m.x - n.x, y = m.y - n.y, ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
        if (m === n || ahead <= 0 || dy && aside > n.w / 2) continue;
        const far = ahead + 2 * aside;
        if (far < least) [best, least] = [m, far];
      }
      return best;
    }

    svg.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !current) return;
      const way = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]}[event.key];
      if (way && event.shiftKey) {
        view.x -= way[0] * 60;
        view.y -= way[1] * 60;
        place();
      } else if (way) {
        const next = beside(current, ...way);
        if (next) focus(next);
      } else if (event.key === "Enter" || event.key === " ") open(current);
      else if (event.key === "Backspace" || event.key === "Delete") close(current);
      else if (event.key === "+" || event.key === "=") zoom(1.3);
      else if (event.key === "-") zoom(1 / 1.3);
      else if (event.key === "0") fit();
      else return;
      event.preventDefault();
    });

    // One pointer moves the view, two zoom it.
    const pointers = new Map();
    let moved = false;
    svg.addEventListener("pointerdown", (event) => {
      if (!pointers.size) moved = false;
      pointers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    });
    svg.addEventListener("pointermove", (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      const dx = event.clientX - last.x, dy = event.clientY - last.y;
      if (!moved && Math.hypot(dx, dy) < 4) return;
      if (!moved) { moved = true; svg.classList.add("moving"); svg.setPointerCapture(event.pointerId); }
      if (pointers.size === 2) {
        const other = [...pointers].find(([id]) => id !== event.pointerId)[1], box = svg.getBoundingClientRect();
        const before = Math.hypot(last.x - other.x, last.y - other.y), after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
        if (before > 0) zoom(after / before, {x: (event.clientX + other.x) / 2 - box.left, y: (event.clientY + other.y) / 2 - box.top});
      } else {
        view.x += dx;
        view.y += dy;
        place();
      }
      pointers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    });
    for (const end of ["pointerup", "pointercancel"]) {
      svg.addEventListener(end, (event) => {
        pointers.delete(event.pointerId);
        if (!pointers.size) svg.classList.remove("moving");
      });
    }
    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      const box = svg.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 300), {x: event.clientX - box.left, y: event.clientY - box.top});
    }, {passive: false});

    // start draws a small graph with every task in it, a large one put together.
    function start() {
      if (COUNT <= GROUPS.maxMembers) {
        for (let i = 0; i < COUNT; i++) opened.add("kind:" + GROUPS.groupings.kind.of(i).join(":"));
      }
      draw();
      fit();
      svg.classList.add("drawn");
    }

    // select marks the node of the task that is shown.
    function select(task) {
      for (const g of shapes.values()) g.classList.remove("chosen");
      const n = drawn && task >= 0 ? drawn.of[task] : null;
      if (n) shapes.get(n.key).classList.add("chosen");
    }

    return {parts: [bar, canvas, help, legend], start, select};
  }
  return {create};
})();
