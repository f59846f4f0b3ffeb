'use strict';
// Asks /api/* once a second and shows what it says. Whatever comes from there is untrusted: it goes
// into text nodes only.
(() => {
  const kPollMs = 1000;
  const kMostExplained = 25; // services whose endpoints are asked at every turn
  const kMostRows = 200;

  const state = {
    status: null,
    services: [],
    flows: new Map(), // service -> connects by tier
    rates: new Map(), // service -> connects per second, by tier
    refused: new Map(), // service -> {count, rate} of refused connects
    outcomes: new Map(), // outcome -> connects per second
    plans: new Map(), // service -> explanations of every port
    selected: null,
    opener: null,
    paused: false,
    sampled: 0,
  };
  const byId = (id) => document.getElementById(id);

  // ---- elements; changed in place, so that focus and a screen reader's place stay ----

  function element(tag, options = {}, children = []) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === 'text') made.textContent = value;
      else if (name === 'class') made.className = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  // Replaces a node's children unless they are the same already; never what has the focus.
  function setChildren(node, children) {
    const fresh = element('div', {}, children);
    if (fresh.innerHTML === node.innerHTML || node.contains(document.activeElement)) return;
    node.replaceChildren(...fresh.childNodes);
  }

  // ---- numbers ----

  const format = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
  const perSecond = (rate) => `${format.format(rate)}/s`;
  const percent = (share) => `${format.format(share * 100)} %`;
  const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

  // ---- asking ----

  async function ask(path) {
    const response = await fetch(path, { cache: 'no-store' });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error || response.statusText);
    return answer;
  }

  function rate(now, before, seconds) {
    return seconds > 0 && now >= before ? (now - before) / seconds : 0;
  }

  function takeFlows(flows, seconds) {
    for (const flow of flows.services) {
      const before = state.flows.get(flow.service) || [];
      state.rates.set(flow.service,
        flow.connects_by_tier.map((count, tier) => rate(count, before[tier] ?? count, seconds)));
      state.flows.set(flow.service, flow.connects_by_tier);
      const count = flow.refused;
      state.refused.set(flow.service,
        { count, rate: rate(count, state.refused.get(flow.service)?.count ?? count, seconds) });
    }
  }

  function takeStatus(status, seconds) {
    const before = state.status ? state.status.outcomes : status.outcomes;
    for (const [name, count] of Object.entries(status.outcomes)) {
      state.outcomes.set(name, rate(count, before[name], seconds));
    }
    state.status = status;
  }

  // Busy services first, then those that can be seen; the open one always.
  function toExplain() {
    const busy = [...state.rates].filter(([, rates]) => sum(rates) > 0).map(([name]) => name);
    const names = [state.selected, ...busy, ...shownServices().map((service) => service.name)];
    return [...new Set(names)].filter(Boolean).slice(0, kMostExplained);
  }

  async function explain(name) {
    try {
      state.plans.set(name, await ask(`/api/endpoints?service=${encodeURIComponent(name)}`));
    } catch (error) {
      state.plans.delete(name); // it is gone, or has no ports
    }
  }

  async function poll() {
    const [status, flows, services] =
      await Promise.all([ask('/api/status'), ask('/api/flows'), ask('/api/services')]);
    const seconds = state.sampled ? status.sampled_at - state.sampled : 0;
    if (seconds > 0 || !state.sampled) {
      takeStatus(status, seconds);
      takeFlows(flows, seconds);
      state.sampled = status.sampled_at;
    }
    state.services = services;
    const names = toExplain();
    for (const name of state.plans.keys()) if (!names.includes(name)) state.plans.delete(name);
    for (const name of names) await explain(name);
  }

  // ---- where an endpoint is, seen from here ----

  function own() {
    return state.status.context;
  }

  function nearness(endpoint) {
    const here = own();
    const [region, zone, subzone] = endpoint.locality.split('/');
    if (endpoint.node && endpoint.node === here.node) return 'this node';
    if (region !== here.region || !here.known) return 'another region';
    if (zone !== here.zone) return 'another zone';
    return subzone && subzone === here.subzone ? 'same subzone' : 'same zone';
  }

  // Of every endpoint of a service: its share of the service's connects, and its connects a second.
  function placements(name) {
    const plan = (state.plans.get(name) || [])[0];
    if (!plan) return [];
    const rates = state.rates.get(name) || [];
    return plan.tiers.flatMap((tier, index) => {
      const whole = sum(tier.endpoints.map((one) => one.share_percent));
      return tier.endpoints.map((endpoint) => ({
        endpoint,
        share: endpoint.share_percent / 100,
        flow: (rates[index] || 0) * (whole > 0 ? endpoint.share_percent / whole : 1 / tier.endpoints.length),
      }));
    });
  }

  // ---- health ----

  function age(seconds) {
    return seconds ? `${Math.max(0, Math.round(state.status.sampled_at - seconds))} s ago` : 'never';
  }

  function showHealth() {
    const status = state.status;
    const place = own();
    setText(byId('node'), `on ${place.node || 'this node'}`);
    const rows = [
      ['Feed', `${status.feed.state} (${status.feed.source || 'no source yet'}), last message ${age(status.feed.last_message_at)}`],
      ['Place', place.known ? [place.region, place.zone, place.subzone].filter(Boolean).join('/') : 'not known yet'],
      ['Hooks', status.data_plane.attached ? `attached to ${status.data_plane.cgroup}` : 'not attached'],
      ['Tables', `${status.counts.services} services, ${status.counts.workloads} workloads`],
      ['Pods', `${status.pods.known} of ${status.pods.namespaces} namespaces known, ${status.pods.captured} captured, ${status.pods.opted_out} opted out`],
      ['Version', status.version],
    ];
    setChildren(byId('health'), rows.flatMap(([name, text]) =>
      [element('dt', { text: name }), element('dd', { text })]));
    const problems = [
      ...status.unready,
      ...(status.feed.last_error ? [`feed: ${status.feed.last_error}`] : []),
      ...status.rejected.map((one) => `rejected: ${one.object}: ${one.message}`),
      ...status.refused.map((one) => `not published: ${one.object}: ${one.message}`),
      ...status.conflicts,
      ...status.dns_problems,
    ];
    setChildren(byId('problems'), problems.map((text) => element('li', { text })));
    setText(byId('summary'), status.unready.length ? 'Not ready.' : `Ready, feed ${status.feed.state}.`);
  }

  // ---- the map ----

  // region -> zone -> node -> {flow, subzone}
  function places() {
    const regions = new Map();
    const child = (map, key) => map.get(key) || map.set(key, new Map()).get(key);
    for (const name of state.plans.keys()) {
      for (const { endpoint, flow } of placements(name)) {
        const [region, zone, subzone] = endpoint.locality.split('/');
        const nodes = child(child(regions, region || 'no region'), zone || 'no zone');
        const key = endpoint.node || 'no node';
        const box = nodes.get(key) || { flow: 0, endpoints: 0, subzone: subzone || '' };
        box.flow += flow;
        box.endpoints += 1;
        nodes.set(key, box);
      }
    }
    return regions;
  }

  function bar(share) {
    const inner = element('span');
    inner.style.width = `${Math.round(share * 100)}%`;
    return element('div', { class: 'bar', 'aria-hidden': 'true' }, [inner]);
  }

  function box(options) {
    const share = options.total > 0 ? options.flow / options.total : 0;
    const parts = [
      element('p', {}, [`${options.kind} `, element('strong', { text: options.title }),
        options.note ? `, ${options.note}` : '']),
      element('p', { class: options.flow > 0 ? '' : 'quiet',
        text: `${perSecond(options.flow)}${options.total > 0 ? `, ${percent(share)}` : ''}` }),
      bar(share),
    ];
    return element('li', { class: options.own ? 'box own' : 'box' }, [...parts, ...(options.inside || [])]);
  }

  const flowOf = (map) => sum([...map.values()].map((one) => (one instanceof Map ? flowOf(one) : one.flow)));
  const sorted = (map) => [...map].sort(([a], [b]) => a.localeCompare(b));

  function nodeBox([name, node], total) {
    const here = name === own().node;
    const words = [here && 'this node', node.subzone && `subzone ${node.subzone}`,
      node.endpoints === 1 ? '1 endpoint' : `${node.endpoints} endpoints`];
    return box({ kind: 'node', title: name, note: words.filter(Boolean).join(', '), flow: node.flow, total, own: here });
  }

  function zoneBox([name, nodes], total, here) {
    const inside = element('ul', { class: 'nodes', 'aria-label': `Nodes of ${name}` },
      sorted(nodes).map((node) => nodeBox(node, total)));
    return box({ kind: 'zone', title: name, note: here ? 'this node\'s' : '', flow: flowOf(nodes), total, own: here, inside: [inside] });
  }

  function showMap() {
    const regions = places();
    const total = flowOf(regions);
    const boxes = sorted(regions).map(([name, zones]) => {
      const here = name === own().region;
      const inside = element('ul', { class: 'zones', 'aria-label': `Zones of ${name}` },
        sorted(zones).map((zone) => zoneBox(zone, total, here && zone[0] === own().zone)));
      return box({ kind: 'region', title: name, note: here ? 'this node\'s' : '', flow: flowOf(zones), total, inside: [inside] });
    });
    setChildren(byId('map'), boxes);
  }

  // ---- outcomes ----

  function showOutcomes() {
    const refused = (name) => name.includes('refused') || name === 'internal_error';
    const rows = Object.entries(state.status.outcomes)
      .filter(([name, count]) => count > 0 || name === 'translated' || name === 'refused_empty')
      .map(([name, count]) => element('tr', {}, [
        element('th', { scope: 'row', class: refused(name) && count > 0 ? 'bad' : '', text: name.replaceAll('_', ' ') }),
        element('td', { class: 'number', text: perSecond(state.outcomes.get(name) || 0) }),
        element('td', { class: 'number', text: format.format(count) }),
      ]));
    setChildren(byId('outcomes'), rows);
  }

  // ---- services ----

  function shownServices() {
    const wanted = byId('filter').value.trim().toLowerCase();
    return state.services.filter((one) => one.name.toLowerCase().includes(wanted)).slice(0, kMostRows);
  }

  // "this node (r/z/s) 75 %, same zone (r/z/t) 25 %"
  function destinations(name) {
    const shares = new Map();
    for (const { endpoint, share } of placements(name)) {
      if (share === 0) continue;
      const key = `${nearness(endpoint)} (${endpoint.locality || 'no locality'})`;
      shares.set(key, (shares.get(key) || 0) + share);
    }
    return [...shares].map(([place, share]) => `${place} ${percent(share)}`).join(', ');
  }

  function newRow(name) {
    const button = element('button', { type: 'button', text: name, 'aria-expanded': 'false', 'aria-controls': 'detail' });
    button.addEventListener('click', () => toggle(name, button));
    const row = element('tr', {}, [element('td', {}, [button]), element('td'),
      ...['number', 'number', 'number', ''].map((kind) => element('td', { class: kind }))]);
    row.dataset.service = name;
    return row;
  }

  function fillRow(row, service) {
    const name = service.name;
    const [first, goes, rates, refused, healthy, mode] = row.cells;
    const button = first.firstChild;
    button.setAttribute('aria-expanded', String(state.selected === name));
    const known = state.plans.get(name);
    const text = destinations(name);
    setText(goes, text || (known ? 'nowhere: no usable endpoint' : ''));
    goes.className = text ? 'near' : 'bad';
    setText(rates, (state.rates.get(name) || []).map((one, tier) => `${tier}: ${perSecond(one)}`).join('  ') || '-');
    const refusals = state.refused.get(name);
    setText(refused, refusals?.count > 0 ? `${perSecond(refusals.rate)} of ${format.format(refusals.count)}` : '-');
    refused.className = refusals?.rate > 0 ? 'number bad' : 'number';
    setText(healthy, `${service.healthy_endpoints} / ${service.endpoints}`);
    setText(mode, `${service.mode} ${service.preference.join(', ')}`.trim());
  }

  function showServices() {
    const body = byId('services');
    const shown = shownServices();
    const rows = new Map([...body.rows].map((row) => [row.dataset.service, row]));
    const names = new Set(shown.map((service) => service.name));
    for (const [name, row] of rows) if (!names.has(name)) row.remove();
    shown.forEach((service, index) => {
      const row = rows.get(service.name) || newRow(service.name);
      if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] || null);
      fillRow(row, service);
    });
    setText(byId('shown'), `${shown.length} of ${state.services.length} services`);
  }

  // ---- one service ----

  function table(caption, heads, rows) {
    const cells = (row) => row.map((text) => element('td', { text: String(text) }));
    return element('table', {}, [
      element('caption', { class: 'unseen', text: caption }),
      element('thead', {}, [element('tr', {}, heads.map((text) => element('th', { scope: 'col', text })))]),
      element('tbody', {}, rows.map((row) => element('tr', {}, cells(row)))),
    ]);
  }

  function explanationOf(plan) {
    const title = `Port ${plan.port}, ${plan.family}`;
    const endpoints = plan.tiers.flatMap((tier) => tier.endpoints.map((one) =>
      [tier.priority, one.address, `${nearness(one)} (${one.locality || 'no locality'})`, one.node,
        one.status, one.weight, percent(one.share_percent / 100), one.workload]));
    const parts = [
      element('h3', { text: title }),
      element('p', { text: `${plan.mode}, ${plan.algorithm}, when empty ${plan.on_empty}` }),
      table(`Endpoints of ${title}`,
        ['Tier', 'Address', 'Where', 'Node', 'Status', 'Weight', 'Share', 'Workload'], endpoints),
    ];
    if (plan.excluded.length) {
      parts.push(element('h4', { text: 'Not used, and why' }),
        table(`Excluded from ${title}`, ['Workload', 'Reason'],
          plan.excluded.map((one) => [one.workload, one.reason.replaceAll('_', ' ')])));
    } else {
      parts.push(element('p', { class: 'quiet', text: 'No endpoint is excluded.' }));
    }
    const words = [...(plan.policies || []).map((one) => `${one.document}: ${one.why}`), ...plan.notes];
    if (words.length) parts.push(element('ul', { 'aria-label': 'Policies and notes' }, words.map((text) => element('li', { text }))));
    return parts;
  }

  function showDetail() {
    byId('detail').hidden = state.selected === null;
    if (state.selected === null) return;
    setText(byId('detail-title'), state.selected);
    const plans = state.plans.get(state.selected);
    setChildren(byId('explanations'), plans ? plans.flatMap(explanationOf)
      : [element('p', { text: 'The daemon has no explanation of it (any more).' })]);
  }

  async function toggle(name, button) {
    if (state.selected === name) return close();
    state.selected = name;
    state.opener = button;
    if (!state.plans.has(name)) await explain(name);
    show();
    byId('detail-title').focus();
  }

  function close() {
    state.selected = null;
    show();
    if (state.opener) state.opener.focus();
  }

  // ---- the whole ----

  function show() {
    if (!state.status) return;
    for (const part of [showHealth, showMap, showOutcomes, showServices, showDetail]) part();
  }

  async function turn() {
    if (!state.paused) {
      try {
        await poll();
        show();
      } catch (error) {
        setText(byId('summary'), `No answer from the daemon: ${error.message}. What is shown is old.`);
      }
    }
    setTimeout(turn, kPollMs);
  }

  byId('pause').addEventListener('click', () => {
    state.paused = !state.paused;
    byId('pause').setAttribute('aria-pressed', String(state.paused));
  });
  byId('close').addEventListener('click', close);
  byId('filter').addEventListener('input', show);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && state.selected !== null) close();
  });
  turn();
})();
