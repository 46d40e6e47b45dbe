/* Mount the 3D view of a district into an element of the page. */

import { PerspectiveCamera, Raycaster, Scene, Vector2, Vector3 } from "three";
import { WebGLRenderer, NoToneMapping, PCFShadowMap, Color } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";

import { decodePayload } from "./viewer_payload.js";
import { makeStage } from "./viewer_stage.js";
import { makePanel } from "./viewer_panel.js";

const FIELD_OF_VIEW = 32;
/* The camera stands in the south, in that of these directions from which the district
   fills the picture best. */
const HOME_AZIMUTHS = [225, 215, 205, 195, 185, 175, 165, 235];
const HOME_ELEVATION = 33;
const FILLED_ACROSS = 0.94; // share of the picture that the home view fills
const FILLED_UP = 0.86;
const KEY_TURN = (6 * Math.PI) / 180;
const KEY_ZOOM = 1.15;

function mount(element, payload) {
  const data = decodePayload(payload);
  const renderer = makeRenderer();
  if (!renderer) {
    element.textContent =
      "The 3D view needs WebGL, which this browser does not offer. " +
      "The map and the tables on this page hold the same numbers.";
    element.classList.add("hv-missing");
    return null;
  }
  const panel = makePanel(element, data, renderer.domElement);
  const scene = new Scene();
  scene.background = new Color(0xf3f1eb);
  const stage = makeStage(scene, data, renderer);
  const view = makeView(renderer, stage);

  let frame = 0;
  let lastDrawn = null;
  const draw = () => {
    frame = 0;
    const moving = view.controls.update();
    renderer.render(scene, view.camera);
    panel.place(view.camera, view.controls.target);
    lastDrawn = performance.now();
    element.dataset.ready = "true";
    if (moving) requestDraw();
  };
  const requestDraw = () => {
    if (!frame) frame = requestAnimationFrame(draw);
  };

  const resize = () => {
    const { clientWidth: width, clientHeight: height } = panel.frame;
    if (!width || !height) return;
    renderer.setPixelRatio(Math.min(window.devicePixelRatio || 1, 2));
    renderer.setSize(width, height, false);
    view.camera.aspect = width / height;
    view.camera.updateProjectionMatrix();
    stage.resize(width, height);
    requestDraw();
  };
  new ResizeObserver(resize).observe(panel.frame);
  view.controls.addEventListener("change", requestDraw);

  const showSun = (day, minute) => {
    stage.setSun(data.sunAt(day, minute));
    requestDraw();
  };
  const select = (part, { fly = false } = {}) => {
    stage.highlight(part);
    panel.describe(part, null);
    if (part >= 0 && fly) view.flyTo(stage.boxOfPart(part));
    requestDraw();
  };
  panel.connect({
    sun: showSun,
    surface: (mode) => {
      stage.setSurface(mode);
      panel.showLegend(mode === "data");
      requestDraw();
    },
    trees: (shown) => (stage.showTrees(shown), requestDraw()),
    labels: requestDraw,
    reset: () => (view.reset(), select(-1)),
    zoom: (factor) => view.zoom(factor),
  });
  connectPointer(renderer.domElement, view, stage, panel, requestDraw);
  connectKeys(renderer.domElement, view, () => select(-1));
  resize();
  view.reset();
  return {
    select: (id) => select(data.partIndex(id), { fly: true }),
    reset: () => view.reset(),
    setSun: (day, minute) => panel.setSun(day, minute),
    drawnAt: () => lastDrawn,
  };
}

function makeRenderer() {
  try {
    const renderer = new WebGLRenderer({ antialias: true, powerPreference: "high-performance" });
    renderer.toneMapping = NoToneMapping;
    renderer.shadowMap.enabled = true;
    renderer.shadowMap.type = PCFShadowMap;
    renderer.shadowMap.autoUpdate = false;
    return renderer;
  } catch {
    return null;
  }
}

function makeView(renderer, stage) {
  const radius = Math.max(stage.radius, 30);
  const camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, radius / 200, radius * 12);
  camera.up.set(0, 0, 1);
  const controls = new OrbitControls(camera, renderer.domElement);
  controls.enableDamping = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  controls.dampingFactor = 0.12;
  controls.screenSpacePanning = false;
  controls.zoomToCursor = true;
  controls.maxPolarAngle = (87 * Math.PI) / 180;
  controls.minDistance = 25;
  controls.maxDistance = radius * 5;
  // The wheel scrolls the page until the view has been clicked.
  controls.enableZoom = false;

  const stand = (target, distance, azimuth, elevation) => {
    const a = (azimuth * Math.PI) / 180;
    const e = (elevation * Math.PI) / 180;
    controls.target.copy(target);
    camera.position
      .set(Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e))
      .multiplyScalar(distance)
      .add(target);
    controls.update();
  };
  const half = Math.tan((FIELD_OF_VIEW * Math.PI) / 360);
  const fit = (size) => size / (half * Math.min(1, camera.aspect));
  /* Stand so that all points are seen, as near as that allows, in the middle. */
  const frame = (points, azimuth, elevation) => {
    stand(stage.centre, radius * 4, azimuth, elevation);
    for (let round = 0; round < 6; round += 1) {
      camera.updateMatrixWorld();
      const target = controls.target.clone().applyMatrix4(camera.matrixWorldInverse);
      const range = [Infinity, -Infinity, Infinity, -Infinity];
      let nearest = 0;
      for (const point of points) {
        const seen = point.clone().applyMatrix4(camera.matrixWorldInverse);
        const x = seen.x / (half * camera.aspect * FILLED_ACROSS);
        const y = seen.y / (half * FILLED_UP);
        range[0] = Math.min(range[0], x / -seen.z);
        range[1] = Math.max(range[1], x / -seen.z);
        range[2] = Math.min(range[2], y / -seen.z);
        range[3] = Math.max(range[3], y / -seen.z);
        const depth = seen.z - target.z;
        nearest = Math.max(nearest, Math.abs(x) + depth, Math.abs(y) + depth);
      }
      const distance = -target.z;
      const right = new Vector3().setFromMatrixColumn(camera.matrixWorld, 0);
      const up = new Vector3().setFromMatrixColumn(camera.matrixWorld, 1);
      const shift = right.multiplyScalar(
        ((range[0] + range[1]) / 2) * half * camera.aspect * FILLED_ACROSS * distance
      );
      shift.addScaledVector(up, ((range[2] + range[3]) / 2) * half * FILLED_UP * distance);
      stand(controls.target.clone().add(shift), nearest, azimuth, elevation);
    }
  };
  const turned = () => {
    const offset = camera.position.clone().sub(controls.target);
    return {
      distance: offset.length(),
      azimuth: (Math.atan2(offset.x, offset.y) * 180) / Math.PI,
      elevation: (Math.asin(offset.z / offset.length()) * 180) / Math.PI,
    };
  };
  return {
    camera,
    controls,
    reset: () => {
      const elevation = camera.aspect < 1 ? 45 : HOME_ELEVATION;
      const distances = HOME_AZIMUTHS.map((azimuth) => {
        frame(stage.outermost, azimuth, elevation);
        return turned().distance;
      });
      const best = distances.indexOf(Math.min(...distances));
      frame(stage.outermost, HOME_AZIMUTHS[best], elevation);
    },
    turn: (right, up) => {
      const now = turned();
      const elevation = Math.min(88, Math.max(3.5, now.elevation + (up * 180) / Math.PI));
      const azimuth = now.azimuth + (right * 180) / Math.PI;
      stand(controls.target.clone(), now.distance, azimuth, elevation);
    },
    pan: (right, up) => {
      const forward = controls.target.clone().sub(camera.position).setZ(0).normalize();
      const side = new Vector3(forward.y, -forward.x, 0);
      const step = turned().distance * 0.06;
      const move = side.multiplyScalar(right * step).addScaledVector(forward, up * step);
      camera.position.add(move);
      controls.target.add(move);
      controls.update();
    },
    zoom: (factor) => {
      const now = turned();
      const distance = Math.min(
        controls.maxDistance,
        Math.max(controls.minDistance, now.distance * factor)
      );
      stand(controls.target.clone(), distance, now.azimuth, now.elevation);
    },
    flyTo: (box) => {
      const size = box.getSize(new Vector3()).length();
      const now = turned();
      stand(box.getCenter(new Vector3()), fit(Math.max(size * 1.6, 60)), now.azimuth, 38);
    },
  };
}

function connectPointer(canvas, view, stage, panel, requestDraw) {
  const raycaster = new Raycaster();
  const pointer = new Vector2();
  let pressed = null;
  let pinned = -1;
  let waiting = null;

  const hitAt = (event) => {
    const box = canvas.getBoundingClientRect();
    pointer.set(
      ((event.clientX - box.left) / box.width) * 2 - 1,
      1 - ((event.clientY - box.top) / box.height) * 2
    );
    raycaster.setFromCamera(pointer, view.camera);
    return stage.hit(raycaster);
  };
  const look = () => {
    const event = waiting;
    waiting = null;
    const hit = hitAt(event);
    const part = hit ? hit.part : pinned;
    stage.highlight(part);
    panel.describe(part, hit ? hit.value : null);
    canvas.style.cursor = hit ? "pointer" : "grab";
    requestDraw();
  };
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons || event.pointerType === "touch") return;
    if (!waiting) requestAnimationFrame(look);
    waiting = event;
  });
  canvas.addEventListener("pointerleave", () => {
    if (waiting) return;
    stage.highlight(pinned);
    panel.describe(pinned, null);
    requestDraw();
  });
  canvas.addEventListener("pointerdown", (event) => {
    pressed = { x: event.clientX, y: event.clientY };
    view.controls.enableZoom = true;
    canvas.focus({ preventScroll: true });
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!pressed) return;
    const far = Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y);
    pressed = null;
    if (far > 6) return;
    const hit = hitAt(event);
    pinned = hit ? hit.part : -1;
    stage.highlight(pinned);
    panel.describe(pinned, hit ? hit.value : null);
    requestDraw();
  });
  canvas.addEventListener("blur", () => {
    view.controls.enableZoom = false;
  });
}

function connectKeys(canvas, view, clear) {
  canvas.addEventListener("focus", () => {
    view.controls.enableZoom = true;
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const shift = event.shiftKey;
    const act = {
      ArrowLeft: () => (shift ? view.pan(-1, 0) : view.turn(KEY_TURN, 0)),
      ArrowRight: () => (shift ? view.pan(1, 0) : view.turn(-KEY_TURN, 0)),
      ArrowUp: () => (shift ? view.pan(0, 1) : view.turn(0, KEY_TURN)),
      ArrowDown: () => (shift ? view.pan(0, -1) : view.turn(0, -KEY_TURN)),
      "+": () => view.zoom(1 / KEY_ZOOM),
      "=": () => view.zoom(1 / KEY_ZOOM),
      "-": () => view.zoom(KEY_ZOOM),
      Home: () => view.reset(),
      0: () => view.reset(),
      Escape: clear,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

window.HeidiViewer = { mount };
