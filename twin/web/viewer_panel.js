/* Build what lies over and under the 3D view: legend, labels, compass, card, controls. */

import { Vector3 } from "three";

const WINDS = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE"].concat(
  ["S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]
);
const HINT =
  "Drag to turn, right-drag or two fingers to move, scroll or pinch to zoom after a click. " +
  "Keys: arrows turn, Shift+arrows move, + and − zoom, Home resets.";

/* Lengths of the line between a label and its place [px]; hubs may stand above others. */
const STEMS = { hub: [22, 50, 78, 106], landmark: [22] };

let viewers = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const whole = (value) => Math.round(value).toLocaleString("en-GB");
const wind = (azimuth) => WINDS[Math.round(azimuth / 22.5) % 16];
const clock = (minute) =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

export function makePanel(element, data, canvas) {
  viewers += 1;
  const name = `hv${viewers}`;
  canvas.className = "hv-canvas";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "3D model");
  canvas.setAttribute("aria-label", `3D model of ${data.plan.name}. ${HINT}`);

  const labels = makeLabels(data);
  const compass = makeCompass();
  const legend = makeLegend(data.scale);
  const card = make("div", { class: "hv-card", role: "status", hidden: true });
  const frame = make(
    "div",
    { class: "hv-frame" },
    canvas,
    labels.layer,
    make("div", { class: "hv-corner" }, compass.element, legend),
    card
  );
  const controls = makeControls(name, data);
  element.replaceChildren(
    frame,
    controls.element,
    make("p", { class: "hv-hint" }, HINT)
  );

  return {
    frame,
    place: (camera, target) => {
      labels.place(camera, frame, controls.labelsShown());
      compass.turn(camera, target);
    },
    describe: (part, value) => describe(card, data, part, value),
    showLegend: (shown) => (legend.hidden = !shown),
    connect: controls.connect,
    setSun: controls.setSun,
  };
}

function describe(card, data, part, value) {
  card.hidden = part < 0;
  if (part < 0) return;
  const { parts, scale } = data;
  const rows = [["Height", `${parts.height[part].toFixed(1)} m`]];
  if (parts.height_source[part]) rows.push(["Height from", parts.height_source[part]]);
  if (parts.use[part]) rows.push(["Use", parts.use[part]]);
  if (parts.roof_kwh_m2[part] !== null) {
    rows.push(["Roof", `${whole(parts.roof_kwh_m2[part])} ${scale.unit}`]);
    rows.push(["Roof in all", `${whole(parts.roof_kwh[part])} kWh per year`]);
  }
  if (parts.facade_kwh_m2[part] !== null)
    rows.push(["Facades", `${whole(parts.facade_kwh_m2[part])} ${scale.unit}`]);
  if (parts.pv_kwh[part] !== null)
    rows.push(["Solar panels", `${whole(parts.pv_kwh[part])} kWh per year`]);
  if (value !== null) rows.push(["At this spot", `${whole(value)} ${scale.unit}`]);
  const list = make("dl");
  for (const [term, text] of rows) list.append(make("dt", {}, term), make("dd", {}, text));
  card.replaceChildren(make("strong", {}, parts.name[part] || parts.id[part]), list);
}

function makeLegend(scale) {
  const stops = [];
  const count = scale.colours.length / 3;
  for (let i = 0; i < 12; i += 1) {
    const at = 3 * Math.round((i / 11) * (count - 1));
    stops.push(`rgb(${scale.colours.slice(at, at + 3).join(",")})`);
  }
  const ticks = scale.ticks.map((tick) =>
    make("span", { style: `left:${(100 * tick) / scale.max}%` }, whole(tick))
  );
  return make(
    "figure",
    { class: "hv-legend" },
    make("figcaption", {}, `${scale.label}, ${scale.unit}`),
    make("div", { class: "hv-ramp", style: `background:linear-gradient(90deg,${stops.join(",")})` }),
    make("div", { class: "hv-ticks" }, ...ticks)
  );
}

function makeCompass() {
  const element = make("div", { class: "hv-compass", "aria-hidden": "true" });
  element.innerHTML =
    '<svg viewBox="-20 -20 40 40"><circle r="18"/><path d="M0-13 5 4 0 1-5 4Z"/>' +
    '<text y="13.5">N</text></svg>';
  const needle = element.firstChild;
  return {
    element,
    turn: (camera, target) => {
      const dx = target.x - camera.position.x;
      const dy = target.y - camera.position.y;
      needle.style.transform = `rotate(${(-Math.atan2(dx, dy) * 180) / Math.PI}deg)`;
    },
  };
}

function makeLabels(data) {
  const layer = make("div", { class: "hv-labels", "aria-hidden": "true" });
  const labels = data.places.map((place) => {
    const element = make("span", { class: `hv-label hv-${place.kind}` }, place.name);
    layer.append(element);
    return { element, kind: place.kind, spot: new Vector3(place.x, place.y, place.z), width: 0 };
  });
  const seen = new Vector3();
  const place = (camera, frame, shown) => {
    layer.hidden = !shown;
    if (!shown) return;
    const { clientWidth, clientHeight } = frame;
    const taken = [];
    for (const label of labels) {
      seen.copy(label.spot).project(camera);
      const x = ((seen.x + 1) / 2) * clientWidth;
      const y = ((1 - seen.y) / 2) * clientHeight;
      label.width ||= label.element.offsetWidth;
      const half = label.width / 2 + 4;
      const boxAt = (stem) => [x - half, y - stem - 22, x + half, y - stem];
      const free = (box) =>
        box[0] > 0 && box[2] < clientWidth && box[1] > 0 && box[3] < clientHeight &&
        taken.every((b) => box[2] < b[0] || box[0] > b[2] || box[3] < b[1] || box[1] > b[3]);
      const stem = seen.z < 1 ? STEMS[label.kind].find((length) => free(boxAt(length))) : null;
      label.element.style.visibility = stem ? "visible" : "hidden";
      if (!stem) continue;
      taken.push(boxAt(stem));
      label.element.style.setProperty("--stem", `${stem}px`);
      label.element.style.transform = `translate(${x.toFixed(1)}px,${y.toFixed(1)}px)`;
    }
  };
  return { layer, place };
}

function makeControls(name, data) {
  const handlers = {};
  const start = data.sun.findIndex((day) => day.shown_first);
  let day = start < 0 ? 0 : start;
  let playing = 0;

  const choice = (group, label, options, chosen, react) => {
    const set = make("fieldset", { class: "hv-choice" }, make("legend", {}, label));
    options.forEach(([value, text], index) => {
      const input = make("input", {
        type: "radio",
        name: `${name}-${group}`,
        value,
        checked: index === chosen,
      });
      input.addEventListener("change", () => react(value));
      set.append(make("label", {}, input, make("span", {}, text)));
    });
    return set;
  };
  const tick = (text, shown, react) => {
    const input = make("input", { type: "checkbox", checked: shown });
    input.addEventListener("change", () => react(input.checked));
    return { input, element: make("label", { class: "hv-tick" }, input, make("span", {}, text)) };
  };
  const button = (text, react, label = null) => {
    const element = make("button", { type: "button", "aria-label": label }, text);
    element.addEventListener("click", react);
    return element;
  };

  const { step, earliest, latest, opening } = data.sun[day];
  const slider = make("input", {
    type: "range",
    id: `${name}-time`,
    min: earliest,
    max: latest,
    step,
    value: opening,
  });
  const told = make("output", { for: `${name}-time`, class: "hv-sun" });
  const showSun = () => {
    const minute = Number(slider.value);
    const { azimuth, elevation } = data.sunAt(day, minute);
    const where =
      elevation > 0.25
        ? `sun ${elevation.toFixed(0)}° high in the ${wind(azimuth)}`
        : "sun below the horizon";
    told.textContent = `${clock(minute)} ${data.sun[day].zone}, ${where}`;
    slider.setAttribute("aria-valuetext", told.textContent);
    handlers.sun?.(day, minute);
  };
  slider.addEventListener("input", showSun);

  const play = button("Play the day", () => {
    if (playing) stop();
    else {
      play.textContent = "Stop";
      if (Number(slider.value) >= latest) slider.value = earliest;
      playing = setInterval(() => {
        slider.value = Number(slider.value) + Number(step);
        showSun();
        if (Number(slider.value) >= latest) stop();
      }, 120);
    }
  });
  const stop = () => {
    clearInterval(playing);
    playing = 0;
    play.textContent = "Play the day";
  };
  const labels = tick("Place names", true, () => handlers.labels?.());
  const trees = tick("Trees", true, (shown) => handlers.trees?.(shown));
  const days = data.sun.map((table, index) => [String(index), table.label]);

  const element = make(
    "div",
    { class: "hv-bar" },
    choice(
      "surface",
      "Surfaces",
      [["data", "Light per year"], ["plain", "Sun and shadow"]],
      0,
      (mode) => handlers.surface?.(mode)
    ),
    choice("day", "Day of the shadows", days, day, (value) => {
      day = Number(value);
      showSun();
    }),
    make(
      "div",
      { class: "hv-time" },
      make("label", { for: `${name}-time` }, "Time of day"),
      slider,
      told
    ),
    make(
      "div",
      { class: "hv-buttons" },
      play,
      button("+", () => handlers.zoom?.(1 / 1.3), "Zoom in"),
      button("−", () => handlers.zoom?.(1.3), "Zoom out"),
      button("Reset view", () => handlers.reset?.()),
      data.places.length ? labels.element : "",
      data.trees.length ? trees.element : ""
    )
  );
  return {
    element,
    labelsShown: () => labels.input.checked,
    connect: (given) => {
      Object.assign(handlers, given);
      showSun();
    },
    setSun: (chosenDay, minute) => {
      day = chosenDay;
      element.querySelector(`input[name="${name}-day"][value="${day}"]`).checked = true;
      slider.value = minute;
      showSun();
    },
  };
}
