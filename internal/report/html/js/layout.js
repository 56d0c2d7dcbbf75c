// Where nodes and flows are drawn: in layers, each after what it takes, from left
// to right or from top to bottom, whichever can be read better.
const LAYOUT = (() => {
  const wide = 226, high = 50, lane = 14;
  const maxLanes = 2000;
  const ways = [
    {across: false, size: high, gap: 16, step: wide + 90},
    {across: true, size: wide, gap: 26, step: high + 56},
  ];

  // arrange gives every node its place and every flow its path, in a view of that
  // size.
  function arrange({nodes, flows}, width, height) {
    const layers = layer(nodes, flows);
    let best = null;
    for (const way of ways) {
      const places = place(layers, way);
      const span = (layers.length - 1) * way.step + (way.across ? high : wide);
      const scale = Math.min(1, way.across ? Math.min(width / places.span, height / span) : Math.min(width / span, height / places.span));
      if (!best || scale > best.scale) best = {way, scale, centers: places.centers};
    }
    const {way, centers} = best;
    for (const n of nodes) {
      const along = n.layer * way.step, center = centers.get(n);
      Object.assign(n, {w: wide, h: high}, way.across ? {x: center - wide / 2, y: along} : {x: along, y: center - high / 2});
    }
    for (const f of flows) f.path = path(f, way, centers);
  }

  // layer sorts nodes into layers, and gives flows that skip some a lane through
  // those. Flows of one node share their lanes. What leads back, as flows between
  // nodes of many tasks may, counts for nothing here.
  function layer(nodes, flows) {
    nodes.sort((a, b) => a.rank - b.rank);
    nodes.forEach((n, i) => Object.assign(n, {order: i, layer: 0, before: [], after: [], next: []}));
    const forth = flows.filter((f) => f.from.order < f.to.order);
    for (const f of forth) f.from.next.push(f.to);
    for (const n of nodes) for (const to of n.next) to.layer = Math.max(to.layer, n.layer + 1);
    const layers = [];
    for (const n of nodes) (layers[n.layer] ||= []).push(n);
    const lanes = new Map();
    for (const f of flows) f.lanes = [];
    for (const f of forth) {
      let from = f.from;
      for (let at = f.from.layer + 1; at < f.to.layer && lanes.size < maxLanes; at++) {
        const key = f.from.order + " " + f.made + " " + at;
        if (!lanes.has(key)) {
          const l = {lane: true, layer: at, order: f.from.order, before: [from], after: []};
          from.after.push(l);
          layers[at].push(l);
          lanes.set(key, l);
        }
        from = lanes.get(key);
        f.lanes.push(from);
      }
      from.after.push(f.to);
      f.to.before.push(from);
    }
    sort(layers);
    return layers;
  }

  // sort puts the members of each layer near what they hang on.
  function sort(layers) {
    const number = (members) => members.forEach((n, i) => { n.row = i - (members.length - 1) / 2; });
    layers.forEach(number);
    for (let sweep = 0; sweep < 8; sweep++) {
      const forth = sweep % 2 === 0;
      for (const members of forth ? layers : [...layers].reverse()) {
        const wish = new Map(members.map((n) => [n, mean(forth ? n.before : n.after, (m) => m.row, n.row)]));
        members.sort((a, b) => wish.get(a) - wish.get(b) || a.order - b.order);
        number(members);
      }
    }
  }

  const mean = (list, of, or) => list.length ? list.reduce((sum, m) => sum + of(m), 0) / list.length : or;

  // place gives the middle of each member across its layer.
  function place(layers, way) {
    const centers = new Map();
    const half = (n) => (n.lane ? lane : way.size) / 2;
    const apart = (a, b) => half(a) + half(b) + (a.lane && b.lane ? 2 : way.gap);
    for (const members of layers) {
      let at = 0;
      members.forEach((n, i) => centers.set(n, at += i ? apart(members[i - 1], n) : 0));
      for (const n of members) centers.set(n, centers.get(n) - at / 2);
    }
    for (let sweep = 0; sweep < 6; sweep++) {
      const forth = sweep % 2 === 0;
      for (const members of forth ? layers : [...layers].reverse()) {
        const wish = members.map((n) => mean(forth ? n.before : n.after, (m) => centers.get(m), centers.get(n)));
        let shift = 0;
        members.forEach((n, i) => {
          const at = i ? Math.max(wish[i], centers.get(members[i - 1]) + apart(members[i - 1], n)) : wish[i];
          centers.set(n, at);
          shift += wish[i] - at;
        });
        for (const n of members) centers.set(n, centers.get(n) + shift / members.length);
      }
    }
    let least = Infinity, most = -Infinity;
    for (const [n, at] of centers) {
      least = Math.min(least, at - half(n));
      most = Math.max(most, at + half(n));
    }
    return {centers, span: Math.max(1, most - least)};
  }

  // path is that of a flow, by way of its lanes.
  function path(f, way, centers) {
    const depth = way.across ? high : wide;
    const point = (along, at) => way.across ? [at, along] : [along, at];
    const stops = [...f.lanes, f.to];
    let along = f.from.layer * way.step + depth, at = centers.get(f.from);
    let d = "M" + point(along, at).map(round).join(" ");
    for (const n of stops) {
      const to = n.layer * way.step, center = centers.get(n), bend = Math.max(30, Math.abs(to - along) / 2);
      d += "C" + [point(along + bend, at), point(to - bend, center), point(to, center)].flat().map(round).join(" ");
      if (n.lane) d += "L" + point(to + depth, center).map(round).join(" ");
      along = to + depth;
      at = center;
    }
    return d;
  }

  const round = (x) => Math.round(x * 10) / 10;

  return {arrange};
})();
