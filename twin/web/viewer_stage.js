/* Build the things that are seen: buildings, ground, trees, sun and shadow. */

import {
  Box3,
  BufferAttribute,
  BufferGeometry,
  CanvasTexture,
  DataTexture,
  DirectionalLight,
  DoubleSide,
  EdgesGeometry,
  IcosahedronGeometry,
  InstancedMesh,
  LinearFilter,
  LinearMipmapLinearFilter,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  Mesh,
  RGBAFormat,
  RedFormat,
  ShaderMaterial,
  UniformsLib,
  UniformsUtils,
  UnsignedByteType,
  Vector2,
  Vector3,
} from "three";
import { LineMaterial } from "three/examples/jsm/lines/LineMaterial.js";
import { LineSegments2 } from "three/examples/jsm/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/examples/jsm/lines/LineSegmentsGeometry.js";

const LAND = "#e4e0d5";
const WATER = "#a9c6d4";
const BOUNDARY = 0x8a3b12;
const BOUNDARY_STEP = 16; // metres from dash to dash
const BOUNDARY_RISE = 1;
const EDGE_ANGLE = 20;
const HEADROOM = 35; // metres that the home view leaves for roofs and labels

/* One shader draws everything. Data colours come out exactly as in the legend: no tone
   mapping, and a shade that only marks what the sun does not reach. */
const VERTEX = /* glsl */ `
#include <common>
#include <shadowmap_pars_vertex>
varying vec2 vUv;
varying vec3 vFacing;
void main() {
  #include <beginnormal_vertex>
  #include <defaultnormal_vertex>
  #include <begin_vertex>
  #include <project_vertex>
  #include <worldpos_vertex>
  #include <shadowmap_vertex>
  #ifdef DRAPED
    vUv = uv;
  #elif defined(MEASURED)
    vUv = uv;
  #endif
  vFacing = objectNormal;
}`;

const FRAGMENT = /* glsl */ `
#include <common>
#include <packing>
#include <lights_pars_begin>
#include <shadowmap_pars_fragment>
#include <shadowmask_pars_fragment>
varying vec2 vUv;
varying vec3 vFacing;
uniform vec3 base;
uniform vec3 sunDirection;
uniform float sunIsUp;
uniform float plain;
uniform float deepest;
#ifdef MEASURED
  uniform sampler2D atlas;
  uniform sampler2D ramp;
  uniform vec2 atlasSize;
#endif
#ifdef DRAPED
  uniform sampler2D drape;
#endif
void main() {
  vec3 facing = normalize(vFacing);
  float lit = sunIsUp * smoothstep(0.0, 0.05, dot(facing, sunDirection));
  if (lit > 0.0) lit *= getShadowMask();
  vec3 colour = base;
  #ifdef DRAPED
    colour = texture2D(drape, vUv).rgb;
  #endif
  float form = 0.9 + 0.1 * facing.z;
  float dark = deepest;
  #ifdef MEASURED
    float stored = texture2D(atlas, vUv / atlasSize).r * 255.0;
    vec3 data = texture2D(ramp, vec2((clamp(stored - 1.0, 0.0, 254.0) + 0.5) / 255.0, 0.5)).rgb;
    colour = mix(data, base, plain);
    form = mix(1.0, 0.9 + 0.1 * facing.z, plain);
    dark = mix(0.9, deepest, plain);
  #endif
  gl_FragColor = vec4(colour * form * mix(dark, 1.0, lit), 1.0);
}`;

function makeMaterial({ base = "#ffffff", deepest = 0.62, defines = {}, uniforms = {}, ...rest }) {
  const rgb = [1, 3, 5].map((at) => parseInt(base.slice(at, at + 2), 16) / 255);
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    lights: true,
    defines,
    uniforms: {
      ...UniformsUtils.clone(UniformsLib.lights),
      base: { value: new Vector3(...rgb) },
      sunDirection: { value: new Vector3(0, 0, 1) },
      sunIsUp: { value: 1 },
      plain: { value: 0 },
      deepest: { value: deepest },
      ...uniforms,
    },
    ...rest,
  });
}

export function makeStage(scene, data, renderer) {
  const buildings = makeBuildings(data);
  const ground = makeGround(data);
  const trees = makeTrees(data.trees);
  const shaded = [buildings.mesh.material, ground.material, trees.material];
  const boundary = makeBoundary(data);
  scene.add(buildings.mesh, buildings.edges, ground, makeSkirt(data.ground), trees, boundary);

  const light = new DirectionalLight(0xffffff, 1);
  light.castShadow = true;
  const largest = renderer.capabilities.maxTextureSize >= 8192 ? 4096 : 2048;
  light.shadow.mapSize.setScalar(window.innerWidth < 700 ? 2048 : largest);
  light.shadow.radius = 1.5;
  light.shadow.normalBias = 0.4;
  scene.add(light, light.target);

  const box = new Box3().setFromObject(buildings.mesh);
  if (box.isEmpty()) box.setFromObject(ground);
  const centre = box.getCenter(new Vector3());
  centre.z = box.min.z;

  const landBox = new Box3().setFromObject(ground);

  const outline = new LineSegments2(
    new LineSegmentsGeometry(),
    new LineMaterial({ color: 0x0a2a3c, linewidth: 3 })
  );
  outline.visible = false;
  scene.add(outline);
  let highlighted = -1;

  /* Points of the district's edge, at the ground and above it, to frame the view by. */
  const outermost = [];
  for (const ring of data.plan.boundary.flat()) {
    for (let i = 0; i < ring.length; i += 2) {
      const z = data.groundAt(ring[i], ring[i + 1]);
      outermost.push(new Vector3(ring[i], ring[i + 1], z));
      outermost.push(new Vector3(ring[i], ring[i + 1], z + HEADROOM));
    }
  }

  return {
    centre,
    outermost: outermost.length ? outermost : [centre],
    radius: box.getSize(new Vector3()).setZ(0).length() / 2,
    resize: (width, height) => {
      outline.material.resolution.set(width, height);
      boundary.material.resolution.set(width, height);
    },
    setSun: ({ direction, elevation }) => {
      const towards = new Vector3(...direction);
      const up = elevation > 0.25 ? 1 : 0;
      for (const material of shaded) {
        material.uniforms.sunDirection.value.copy(towards);
        material.uniforms.sunIsUp.value = up;
      }
      if (up) aimLight(light, towards, box, landBox);
      renderer.shadowMap.needsUpdate = true;
    },
    setSurface: (mode) => {
      buildings.mesh.material.uniforms.plain.value = mode === "plain" ? 1 : 0;
    },
    showTrees: (shown) => {
      trees.visible = shown;
      renderer.shadowMap.needsUpdate = true;
    },
    hit: (raycaster) => {
      const [found] = raycaster.intersectObjects([buildings.mesh, ground], false);
      if (!found || found.object !== buildings.mesh) return null;
      return {
        part: data.mesh.part[found.faceIndex],
        value: data.valueAt(found.uv.x, found.uv.y),
      };
    },
    boxOfPart: (part) => new Box3().setFromBufferAttribute(buildings.corners(part)),
    highlight: (part) => {
      if (part === highlighted) return;
      highlighted = part;
      outline.visible = part >= 0;
      if (part < 0) return;
      const shape = new BufferGeometry().setAttribute("position", buildings.corners(part));
      outline.geometry.dispose();
      outline.geometry = new LineSegmentsGeometry().fromEdgesGeometry(
        new EdgesGeometry(shape, EDGE_ANGLE)
      );
    },
  };
}

function makeBuildings(data) {
  const { position, texel, index, part } = data.mesh;
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(position, 3));
  geometry.setAttribute("uv", new BufferAttribute(texel, 2));
  geometry.setIndex(new BufferAttribute(index, 1));
  geometry.computeVertexNormals();

  const { width, height, values } = data.atlas;
  const atlas = new DataTexture(values, width, height, RedFormat, UnsignedByteType);
  atlas.minFilter = LinearFilter;
  atlas.magFilter = LinearFilter;
  atlas.unpackAlignment = 1;
  atlas.needsUpdate = true;
  const count = data.scale.colours.length / 3;
  const rgba = new Uint8Array(count * 4).fill(255);
  for (let i = 0; i < count; i += 1) rgba.set(data.scale.colours.subarray(3 * i, 3 * i + 3), 4 * i);
  const ramp = new DataTexture(rgba, count, 1, RGBAFormat, UnsignedByteType);
  ramp.minFilter = LinearFilter;
  ramp.magFilter = LinearFilter;
  ramp.needsUpdate = true;

  const material = makeMaterial({
    base: "#f4f1ea",
    defines: { MEASURED: "" },
    uniforms: {
      atlas: { value: atlas },
      ramp: { value: ramp },
      atlasSize: { value: new Vector2(width, height) },
    },
    polygonOffset: true,
    polygonOffsetFactor: 1,
    polygonOffsetUnits: 1,
  });
  const mesh = new Mesh(geometry, material);
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  const edges = new LineSegments(
    new EdgesGeometry(geometry, EDGE_ANGLE),
    new LineBasicMaterial({ color: 0x000000, transparent: true, opacity: 0.32 })
  );

  /* Corners of the triangles of one part, triangle after triangle. */
  const firstOf = new Map();
  const lastOf = new Map();
  part.forEach((owner, triangle) => {
    if (!firstOf.has(owner)) firstOf.set(owner, triangle);
    lastOf.set(owner, triangle);
  });
  const corners = (wanted) => {
    const found = [];
    for (let t = firstOf.get(wanted) ?? 0; t <= (lastOf.get(wanted) ?? -1); t += 1) {
      if (part[t] !== wanted) continue;
      for (let k = 0; k < 3; k += 1) {
        const at = 3 * index[3 * t + k];
        found.push(position[at], position[at + 1], position[at + 2]);
      }
    }
    return new BufferAttribute(new Float32Array(found), 3);
  };
  return { mesh, edges, corners };
}

function makeGround(data) {
  const { west, north, cell_x, cell_y, rows, columns, z } = data.ground;
  const position = new Float32Array(rows * columns * 3);
  const uv = new Float32Array(rows * columns * 2);
  const index = new Uint32Array((rows - 1) * (columns - 1) * 6);
  let at = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const k = row * columns + column;
      position.set([west + column * cell_x, north - row * cell_y, z[k] / 100], 3 * k);
      uv.set([column / (columns - 1), 1 - row / (rows - 1)], 2 * k);
      if (row + 1 < rows && column + 1 < columns) {
        const below = k + columns;
        index.set([k, below, k + 1, k + 1, below, below + 1], at);
        at += 6;
      }
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(position, 3));
  geometry.setAttribute("uv", new BufferAttribute(uv, 2));
  geometry.setIndex(new BufferAttribute(index, 1));
  geometry.computeVertexNormals();
  const drape = new CanvasTexture(drawPlan(data));
  drape.minFilter = LinearMipmapLinearFilter;
  drape.anisotropy = 8;
  const material = makeMaterial({
    defines: { DRAPED: "" },
    uniforms: { drape: { value: drape } },
    deepest: 0.66,
  });
  const mesh = new Mesh(geometry, material);
  mesh.receiveShadow = true;
  return mesh;
}

/* Draw land, water and boundary seen from above; the ground wears it. */
function drawPlan(data) {
  const { west, north, cell_x, cell_y, rows, columns } = data.ground;
  const wide = (columns - 1) * cell_x;
  const high = (rows - 1) * cell_y;
  const pixels = window.innerWidth < 700 ? 2048 : 4096;
  const scale = Math.min(pixels / Math.max(wide, high), 4);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(2, Math.round(wide * scale));
  canvas.height = Math.max(2, Math.round(high * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = LAND;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const trace = (rings) => {
    pen.beginPath();
    for (const ring of rings) {
      for (let i = 0; i < ring.length; i += 2) {
        const x = (ring[i] - west) * scale;
        const y = (north - ring[i + 1]) * scale;
        if (i === 0) pen.moveTo(x, y);
        else pen.lineTo(x, y);
      }
      pen.closePath();
    }
  };
  pen.fillStyle = WATER;
  for (const polygon of data.plan.water) {
    trace(polygon);
    pen.fill("evenodd");
  }
  pen.strokeStyle = "rgba(60, 82, 92, 0.55)";
  pen.lineWidth = 1.2 * scale;
  for (const polygon of data.plan.water) {
    trace(polygon);
    pen.stroke();
  }
  return canvas;
}

/* The district's edge, a dashed line that floats just above the ground. */
function makeBoundary(data) {
  const lines = [];
  for (const rings of data.plan.boundary) {
    for (const ring of rings) {
      const count = ring.length / 2;
      for (let i = 0; i < count; i += 1) {
        const [x0, y0] = [ring[2 * i], ring[2 * i + 1]];
        const next = (i + 1) % count;
        const [x1, y1] = [ring[2 * next], ring[2 * next + 1]];
        const steps = Math.max(1, Math.round(Math.hypot(x1 - x0, y1 - y0) / BOUNDARY_STEP));
        const spot = (share) => {
          const x = x0 + (x1 - x0) * share;
          const y = y0 + (y1 - y0) * share;
          return [x, y, data.groundAt(x, y) + BOUNDARY_RISE];
        };
        for (let k = 0; k < steps; k += 1)
          lines.push(...spot(k / steps), ...spot((k + 0.62) / steps));
      }
    }
  }
  const material = new LineMaterial({ color: BOUNDARY, linewidth: 2 });
  return new LineSegments2(new LineSegmentsGeometry().setPositions(lines), material);
}

/* The cut sides of the model block. */
function makeSkirt({ west, north, cell_x, cell_y, rows, columns, z }) {
  const low = z.reduce((a, b) => Math.min(a, b), 32767) / 100 - 14;
  const rim = [];
  for (let c = 0; c < columns; c += 1) rim.push([0, c]);
  for (let r = 1; r < rows; r += 1) rim.push([r, columns - 1]);
  for (let c = columns - 2; c >= 0; c -= 1) rim.push([rows - 1, c]);
  for (let r = rows - 2; r >= 0; r -= 1) rim.push([r, 0]);
  const position = [];
  const index = [];
  rim.forEach(([row, column], k) => {
    const x = west + column * cell_x;
    const y = north - row * cell_y;
    position.push(x, y, z[row * columns + column] / 100, x, y, low);
    if (k) index.push(2 * k - 2, 2 * k - 1, 2 * k, 2 * k, 2 * k - 1, 2 * k + 1);
  });
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(position), 3));
  geometry.setIndex(index);
  geometry.computeVertexNormals();
  return new Mesh(geometry, makeMaterial({ base: "#cfc9bb", deepest: 1, side: DoubleSide }));
}

function makeTrees(table) {
  const count = table.length / 5;
  const crown = new IcosahedronGeometry(1, 1);
  const mesh = new InstancedMesh(crown, makeMaterial({ base: "#a9b88f" }), count);
  const place = new Matrix4();
  for (let k = 0; k < count; k += 1) {
    const [x, y, z, height, radius] = table.subarray(5 * k, 5 * k + 5);
    const half = Math.max(height * 0.4, 0.5);
    place.makeScale(radius, radius, half).setPosition(x, y, z + height - half);
    mesh.setMatrixAt(k, place);
  }
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  mesh.frustumCulled = false;
  return mesh;
}

/* Let the shadow map cover all that casts shadow and no more, seen from the sun, and reach
   down to all ground that it can fall on. */
function aimLight(light, towards, box, landBox) {
  const centre = box.getCenter(new Vector3());
  const reach = box.getSize(new Vector3()).length();
  light.target.position.copy(centre);
  light.position.copy(centre).addScaledVector(towards, reach);
  light.target.updateMatrixWorld();
  light.updateMatrixWorld();
  const camera = light.shadow.camera;
  camera.up.set(0, 0, 1);
  camera.position.copy(light.position);
  camera.lookAt(centre);
  camera.updateMatrixWorld();
  const toLight = camera.matrixWorld.clone().invert();
  const margin = 40;
  const seen = box.clone().expandByVector(new Vector3(margin, margin, 5)).applyMatrix4(toLight);
  camera.left = seen.min.x;
  camera.right = seen.max.x;
  camera.bottom = seen.min.y;
  camera.top = seen.max.y;
  camera.near = Math.max(1, -seen.max.z);
  camera.far = -Math.min(seen.min.z, landBox.clone().applyMatrix4(toLight).min.z) + 5;
  camera.updateProjectionMatrix();
  light.shadow.bias = -0.6 / (camera.far - camera.near);
}
