// The list of tasks: only the rows that can be seen are in the page.
const LIST = (() => {
  const height = 56; // of a row, as the style sheet has it (3.5rem), set below
  const spare = 6;   // rows above and below what can be seen

  function create({choose}) {
    const space = element("div", {class: "space", role: "rowgroup"});
    const box = element("div", {
      class: "list", role: "grid", "aria-label": "Tasks", "aria-readonly": "true", "aria-colcount": 1,
      scroll: () => draw(), keydown: keys,
    }, space);
    const rows = new Map(); // place in the list → row
    let items = [], at = 0, chosen = -1, px = height;

    function set(list) {
      items = list;
      at = Math.max(0, items.indexOf(chosen));
      for (const row of rows.values()) row.remove();
      rows.clear();
      px = 3.5 * parseFloat(getComputedStyle(document.documentElement).fontSize) || height;
      space.style.height = items.length * px + "px";
      box.setAttribute("aria-rowcount", items.length);
      box.querySelector(".empty")?.remove();
      if (!items.length) box.append(element("p", {class: "empty"}, "No task is like that."));
      box.scrollTop = Math.max(0, at * px - box.clientHeight / 2);
      draw();
    }

    function draw() {
      const first = Math.max(0, Math.floor(box.scrollTop / px) - spare);
      const last = Math.min(items.length, Math.ceil((box.scrollTop + box.clientHeight) / px) + spare);
      for (const [i, row] of rows) {
        // The row with the focus stays, or the focus would be lost by scrolling.
        if ((i < first || i >= last) && row !== document.activeElement) {
          row.remove();
          rows.delete(i);
        }
      }
      for (let i = first; i < last; i++) if (!rows.has(i)) insert(i);
      for (const [i, row] of rows) row.tabIndex = i === at ? 0 : -1;
      if (!rows.has(at) && rows.size) rows.get(first).tabIndex = 0;
    }

    function insert(i) {
      const task = items[i], look = lookOf(task);
      const row = element("div", {
        class: "row " + look.look, role: "row", "aria-rowindex": i + 1, "aria-selected": String(task === chosen),
        click: () => { move(i); choose(task); }, focus: () => { at = i; },
      },
      element("span", {class: "cell", "aria-hidden": "true"}, mark(look)),
      element("span", {class: "cell", role: "gridcell"},
        element("span", {class: "cell name"}, foreign(nameOf(task))),
        element("span", {class: "cell about"}, element("span", {class: "word"}, text(task, "verdict")), " · ", refOf(task), " · ", text(task, "kind"), " · ", foreign(text(task, "pool")))));
      row.style.top = i * px + "px";
      let next = null;
      for (const [j, other] of rows) if (j > i && (next === null || j < next)) next = j;
      space.insertBefore(row, next === null ? null : rows.get(next));
      rows.set(i, row);
    }

    function move(i) {
      if (!items.length) return;
      at = Math.max(0, Math.min(items.length - 1, i));
      const top = at * px;
      if (top < box.scrollTop) box.scrollTop = top;
      if (top + px > box.scrollTop + box.clientHeight) box.scrollTop = top + px - box.clientHeight;
      draw();
      rows.get(at)?.focus({preventScroll: true});
    }

    function keys(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const page = Math.max(1, Math.floor(box.clientHeight / px) - 1);
      const to = {ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: items.length - 1}[event.key];
      if (to !== undefined) move(to);
      else if ((event.key === "Enter" || event.key === " ") && items.length) choose(items[at]);
      else return;
      event.preventDefault();
    }

    // select marks a task as the one that is shown.
    function select(task) {
      chosen = task;
      for (const [i, row] of rows) row.setAttribute("aria-selected", String(items[i] === chosen));
      const i = items.indexOf(task);
      if (i >= 0) {
        at = i;
        const top = i * px;
        if (top < box.scrollTop || top + px > box.scrollTop + box.clientHeight) box.scrollTop = Math.max(0, top - box.clientHeight / 2);
      }
      draw();
    }

    new ResizeObserver(() => draw()).observe(box);
    return {box, set, select, focus: () => move(at)};
  }
  return {create};
})();
