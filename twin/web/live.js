// Show the live state and keep it fresh: server-sent events say when to ask again.
"use strict";

const MARKS = {
  off: "✖ OFF",
  short: "▼ short",
  deviates: "! deviates",
  stale: "◌ stale",
  silent: "· silent",
  ok: "✓ ok",
};
const SVG = "http://www.w3.org/2000/svg";
// How long after news the state is asked for [ms]: an hour comes in several events.
const SETTLE = 250;
const MOST_FINDINGS = 6;

const $ = (id) => document.getElementById(id);
let state = null;
let chosen = null;
let waiting = 0;
let asked = 0;
let shown = [];

function number(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  const rounded = Number(value.toFixed(digits)) + 0;
  return rounded.toLocaleString("en-GB", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const gained = (power) => (power === null ? null : 0 - power);
const percent = (share) => (share === null || share === undefined ? "–" : number(100 * share, 0));
const called = (building) => building.name || building.id;

function node(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function drawn(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

async function ask(address) {
  const answer = await fetch(address, { cache: "no-store" });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail || `${answer.status}`);
  return told;
}

async function load() {
  const mine = ++asked;
  try {
    const told = await ask("api/status");
    // An answer that was overtaken by a later question is dropped.
    if (mine !== asked) return;
    state = told;
    $("trouble").hidden = true;
    await show();
  } catch (error) {
    if (mine !== asked) return;
    $("trouble").textContent = `The state cannot be read: ${error.message}`;
    $("trouble").hidden = false;
  }
}

function loadSoon() {
  if (waiting) return;
  waiting = window.setTimeout(() => {
    waiting = 0;
    load();
  }, SETTLE);
}

async function show() {
  document.title = `${state.label ? `${state.label} · ` : ""}${state.district}`;
  $("district").textContent = state.district;
  $("asof").textContent = state.as_of_words + (state.schematic ? " · schematic model" : "");
  $("label").textContent = state.label ? `${state.label} VALUES` : "";
  $("label").hidden = !state.label;
  $("empty").hidden = !state.empty;
  $("basis").textContent =
    "Hours in UTC. Expected: " + state.expected_basis.replace(/^expected is /, "") + ".";
  showNumbers();
  showFindings();
  showRows();
  await showCurve();
}

function showNumbers() {
  const now = state.now;
  const day = state.pv_day;
  const net = now.net_electricity;
  const balance =
    net === null ? "" : net < 0 ? `solar power gives ${number(-net)} kW more` : `${number(net)} kW net of solar power`;
  const cards = [
    ["Solar power now", number(gained(now.pv_power)), "kW", `of ${number(gained(now.pv_power_expected))} kW expected`],
    ["Solar energy today", number(day.measured_kwh), "kWh", `${percent(day.share)} % of ${number(day.expected_kwh)} kWh expected`],
    ["Electricity used now", number(now.electricity_power), "kW", balance],
    ["Heat used now", number(now.heat_power), "kW", `${number(state.points.fresh)} of ${number(state.points.all)} meters fresh`],
  ];
  $("numbers").replaceChildren(
    ...cards.map(([title, value, unit, say]) => {
      const card = node("div");
      const big = node("dd", `${value} `, "big");
      big.append(node("small", unit));
      card.append(node("dt", title), big, node("dd", say, "say"));
      return card;
    }),
  );
}

function showFindings() {
  const wanted = state.empty ? [] : state.buildings.filter((building) => building.attention);
  const items = wanted.slice(0, MOST_FINDINGS).map((building) => {
    const kind = building.status;
    const item = node("li", undefined, kind);
    const head = node("b");
    head.append(node("span", MARKS[kind], `mark ${kind}`), " ", opener(building));
    item.append(head, building.findings.map((finding) => finding.text).join("; "));
    return item;
  });
  if (!wanted.length && !state.empty) items.push(node("li", "✓ All buildings are well.", "well"));
  if (wanted.length > MOST_FINDINGS) {
    items.push(node("li", `and ${wanted.length - MOST_FINDINGS} more, at the top of the list below`));
  }
  $("findings").replaceChildren(...items);
  const gaps = state.gaps;
  const parts = [
    `${number(gaps.known)} hourly values reported missing, ${number(gaps.unheard)} never came, of ${number(gaps.due)} today`,
    `${number(state.quarantine.rows)} rows refused`,
  ];
  if (state.revisions) parts.push(`${number(state.revisions)} values corrected`);
  $("quality").textContent = state.empty ? "" : `${parts.join("; ")}.`;
}

function opener(building) {
  const button = node("button", called(building));
  button.type = "button";
  button.title = "Show its day";
  button.addEventListener("click", () => choose(building.id));
  return button;
}

function showRows() {
  const rows = state.buildings.map((building) => {
    const row = node("tr", undefined, building.id === chosen ? "chosen" : "");
    const kind = building.status;
    const old = new Set(building.silent);
    const cell = (quantity, value, digits) => {
      const text = number(value, digits);
      return node("td", old.has(quantity) && value !== null ? `(${text})` : text);
    };
    const mark = node("td");
    mark.append(node("span", MARKS[kind], `mark ${kind}`));
    const name = node("td");
    name.append(opener(building));
    if (building.name) name.append(node("span", building.id, "id"));
    const day = building.pv_day || {};
    row.append(
      mark,
      name,
      cell("pv_power", gained(building.pv_power), 1),
      node("td", number(gained(building.pv_power_expected), 1)),
      node("td", number(day.measured_kwh)),
      node("td", number(day.expected_kwh)),
      node("td", percent(day.share)),
      cell("heat_power", building.heat_power, 1),
      cell("electricity_power", building.electricity_power, 1),
      cell("indoor_temperature", building.indoor_temperature, 1),
      node("td", number(building.age_hours, 1)),
    );
    return row;
  });
  // The keyboard's place survives new values.
  const held = document.activeElement?.closest?.("#rows") ? document.activeElement.textContent : null;
  $("rows").replaceChildren(...rows);
  if (held) [...$("rows").querySelectorAll("button")].find((b) => b.textContent === held)?.focus();
}

async function choose(id) {
  chosen = id;
  showRows();
  await showCurve();
  if (id) $("curvetitle").scrollIntoView({ block: "nearest", behavior: "smooth" });
}

async function showCurve() {
  let title = `Solar power of the district, ${state.day}`;
  let told = [];
  let hours = state.pv_day.curve.map((hour) => [hour.expected_kw, hour.measured_kw]);
  if (chosen) {
    const building = await ask(`api/buildings/${encodeURIComponent(chosen)}`);
    if (building.id !== chosen) return;
    title = `Solar power of ${called(building)}, ${state.day}`;
    told = building.parts;
    const measured = building.curves.pv_power || [];
    const expected = building.curves.pv_power_expected || [];
    hours = Array.from({ length: 24 }, (_, k) => [gained(expected[k] ?? null), gained(measured[k] ?? null)]);
  }
  $("curvetitle").textContent = title;
  $("back").hidden = !chosen;
  showParts(told);
  drawCurve(hours);
}

// Where a building has several meters of a quantity each is told by itself.
function showParts(parts) {
  const words = parts.map((part) => {
    const value = part.quantity === "pv_power" ? gained(part.value) : part.value;
    const text = `${number(value, 1)} ${part.quantity === "indoor_temperature" ? "°C" : "kW"}`;
    return `${part.point} ${part.fresh || value === null ? text : `(${text})`}`;
  });
  $("parts").textContent = words.length ? `Of several meters: ${words.join(", ")}.` : "";
  $("parts").hidden = !words.length;
}

function scaleTop(largest) {
  // The smallest round number above, in steps that divide well.
  const power = 10 ** Math.floor(Math.log10(Math.max(largest, 1)));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((top) => top >= largest) || 1;
}

function drawCurve(hours) {
  if (!state) return;
  shown = hours;
  const chart = $("chart");
  // Drawn in the page's own pixels, so that its words are as large as all others.
  const em = parseFloat(getComputedStyle(chart).fontSize);
  const width = chart.clientWidth;
  const height = chart.clientHeight;
  const [left, right, top, bottom] = [4.1 * em, 0.8 * em, 1.9 * em, 1.9 * em];
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const known = hours.flat().filter((value) => value !== null);
  const most = scaleTop(Math.max(1, ...known) * 1.02);
  const x = (hour) => left + (hour / 24) * (width - left - right);
  const y = (value) => height - bottom - (value / most) * (height - top - bottom);
  const parts = [];
  let missing = false;
  const pattern = drawn("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(drawn("line", { x1: 0, y1: 0, x2: 0, y2: 8, class: "hatch" }));
  const definitions = drawn("defs", {});
  definitions.append(pattern);
  parts.push(definitions);
  for (let k = 0; k <= 4; k += 1) {
    const value = (most * k) / 4;
    parts.push(drawn("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: k ? "grid" : "base" }));
    parts.push(drawn("text", { x: left - 0.5 * em, y: y(value) + 0.33 * em, "text-anchor": "end" }, number(value, most < 10 ? 1 : 0)));
  }
  parts.push(drawn("text", { x: left - 0.5 * em, y: 0.85 * em, "text-anchor": "end" }, "kW"));
  for (let hour = 0; hour <= 24; hour += 3) {
    const place = hour === 24 ? "end" : hour ? "middle" : "start";
    parts.push(drawn("text", { x: x(hour), y: height - bottom + 1.35 * em, "text-anchor": place }, String(hour).padStart(2, "0")));
  }
  hours.forEach(([expected, measured], hour) => {
    if (measured === null) return;
    const wide = x(1) - x(0) - 4;
    const yielded = Math.max(0, measured);
    parts.push(drawn("rect", { x: x(hour) + 2, width: wide, y: y(yielded), height: Math.max(0, y(0) - y(yielded)), class: "bar" }));
    // As much as the eye can tell: the judgement is the server's, in words.
    if (expected !== null && expected - yielded > 0.2 * expected + 0.02 * most) {
      missing = true;
      const box = { x: x(hour) + 2, width: wide, y: y(expected), height: y(yielded) - y(expected) };
      parts.push(drawn("rect", { ...box, fill: "url(#hatch)" }), drawn("rect", { ...box, class: "gap" }));
    }
  });
  const path = hours
    .map(([expected], hour) => (expected === null ? null : `${x(hour)},${y(expected)} ${x(hour + 1)},${y(expected)}`))
    .filter(Boolean);
  if (path.length) parts.push(drawn("polyline", { points: path.join(" "), class: "expected" }));
  const done = state.pv_day.hours;
  if (done < 24) {
    parts.push(drawn("line", { x1: x(done), x2: x(done), y1: 0.3 * em, y2: y(0), class: "now" }));
    parts.push(drawn("text", { x: x(done) + 0.4 * em, y: 1.1 * em, class: "nowword" }, "now"));
  }
  chart.replaceChildren(...parts);
  $("missingkey").hidden = !missing;
  const sum = (k) => hours.reduce((total, hour) => total + (hour[k] || 0), 0);
  chart.setAttribute("aria-label", `${$("curvetitle").textContent}: measured ${number(sum(1))} kWh so far, expected ${number(sum(0))} kWh over the whole day`);
}

function connected(live) {
  $("link").className = live ? "link live" : "link";
  $("linkword").textContent = live ? "live" : "reconnecting";
}

function listen() {
  const events = new EventSource("api/events");
  events.addEventListener("hello", () => {
    connected(true);
    load();
  });
  events.addEventListener("values", loadSoon);
  events.addEventListener("reset", loadSoon);
  events.onerror = () => {
    connected(false);
    // The browser calls again by itself after a break, but not after a refusal.
    if (events.readyState === EventSource.CLOSED) {
      events.close();
      window.setTimeout(listen, 3000);
    }
  };
}

window.addEventListener("resize", () => drawCurve(shown));
$("back").addEventListener("click", () => choose(null));
load();
listen();
// Values age even while nothing comes.
window.setInterval(load, 60000);
