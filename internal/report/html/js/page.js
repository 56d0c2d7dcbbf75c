// Elements, made of names and text nodes alone: nothing of the report is ever
// read as HTML.
function element(name, attributes, ...children) {
  return build(document.createElement(name), attributes, children);
}

function drawing(name, attributes, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function build(e, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") e.addEventListener(key, value);
    else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== ""));
  return e;
}

// foreign isolates text whose direction must not change what is around it.
const foreign = (s) => element("bdi", {}, s);

const mark = (look) => element("span", {class: "mark", "aria-hidden": "true"}, look.mark);

// say tells those who listen, once typing has stopped.
const say = (() => {
  const place = element("p", {class: "spoken", "aria-live": "polite", id: "said"});
  document.body.append(place);
  let timer = 0;
  return (s) => {
    clearTimeout(timer);
    timer = setTimeout(() => { place.textContent = s; }, 300);
  };
})();

// goTo puts a place into the address, so that "back" leads back.
const goTo = (key, value) => { location.hash = key + "=" + encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%3A", ":"); };

// taskLink leads to a task of the report.
const taskLink = (task) => element("a", {class: "ref mono", href: "#task=" + encodeURIComponent(refOf(task)).replaceAll("%2F", "/")}, refOf(task));

// more writes a list in portions: a task may have thousands of users.
function more(list, portion, write) {
  const ul = element("ul");
  const rest = element("button", {type: "button", class: "plain", click: () => add(true)});
  let shown = 0;
  const add = (focus) => {
    const first = shown;
    for (; shown < Math.min(list.length, first + portion); shown++) ul.append(element("li", {}, ...[write(list[shown])].flat()));
    rest.hidden = shown >= list.length;
    rest.textContent = "Show " + Math.min(portion, list.length - shown).toLocaleString("en") + " more of " + (list.length - shown).toLocaleString("en");
    if (focus) {
      const link = ul.children[first]?.querySelector("a");
      if (link) link.focus();
    }
  };
  add(false);
  return [ul, rest];
}
