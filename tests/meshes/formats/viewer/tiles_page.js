// Drops plumb lines on a tileset on the globe and tells what they hit, and how high.
import * as THREE from "three";
import { TilesRenderer } from "3d-tiles-renderer";
import {
  GLTFExtensionsPlugin,
  GLTFMeshFeaturesExtension,
  GLTFStructuralMetadataExtension,
} from "3d-tiles-renderer/plugins";

const RADIANS = Math.PI / 180;
const ABOVE = 2500;
const QUIET_FRAMES = 20;

function drop(tiles, [longitude, latitude]) {
  const from = new THREE.Vector3();
  const up = new THREE.Vector3();
  tiles.ellipsoid.getCartographicToPosition(latitude * RADIANS, longitude * RADIANS, 500, from);
  tiles.ellipsoid.getCartographicToNormal(latitude * RADIANS, longitude * RADIANS, up);
  const hit = new THREE.Raycaster(from, up.negate()).intersectObject(tiles.group, true)[0];
  if (!hit) return null;
  const place = {};
  tiles.ellipsoid.getPositionToCartographic(hit.point, place);
  const { meshFeatures, structuralMetadata } = hit.object.userData;
  let features = null;
  if (meshFeatures) {
    const weights = new THREE.Vector3();
    const triangle = new THREE.Triangle();
    const { a, b, c } = hit.face;
    triangle.setFromAttributeAndIndices(hit.object.geometry.attributes.position, a, b, c);
    triangle.getBarycoord(hit.object.worldToLocal(hit.point.clone()), weights);
    const numbers = meshFeatures.getFeatures(hit.faceIndex, weights);
    const tables = meshFeatures.getFeatureInfo().map((info) => info.propertyTable);
    features = structuralMetadata.getPropertyTableData(tables, numbers);
  }
  return { height: place.height, features };
}

// How far the nearest corner of any body is from each geocentric place, and what was loaded.
function compare(tiles, corners) {
  const nearest = corners.map(() => Infinity);
  let triangles = 0;
  const spot = new THREE.Vector3();
  tiles.group.traverse((mesh) => {
    const { position, _feature_id_0: feature } = mesh.geometry?.attributes ?? {};
    if (!feature) return;
    triangles += mesh.geometry.index.count / 3;
    for (let k = 0; k < position.count; k += 1) {
      spot.fromBufferAttribute(position, k).applyMatrix4(mesh.matrixWorld);
      corners.forEach(([x, y, z], j) => {
        nearest[j] = Math.min(nearest[j], Math.hypot(spot.x - x, spot.y - y, spot.z - z));
      });
    }
  });
  return { nearest, triangles };
}

async function main() {
  const { places, corners } = await (await fetch("places.json")).json();
  const scene = new THREE.Scene();
  const camera = new THREE.PerspectiveCamera(60, 1, 1, 1e5);
  const renderer = new THREE.WebGLRenderer();
  renderer.setSize(400, 400);
  const tiles = new TilesRenderer("tiles/tileset.json");
  tiles.registerPlugin(
    new GLTFExtensionsPlugin({
      plugins: [
        () => new GLTFStructuralMetadataExtension(),
        () => new GLTFMeshFeaturesExtension(),
      ],
    }),
  );
  tiles.errorTarget = 0.01;
  scene.add(tiles.group);
  tiles.setCamera(camera);
  tiles.setResolutionFromRenderer(camera, renderer);
  const [longitude, latitude] = places[0];
  const spot = new THREE.Vector3();
  tiles.ellipsoid.getCartographicToPosition(latitude * RADIANS, longitude * RADIANS, 0, spot);
  camera.position.copy(spot).setLength(spot.length() + ABOVE);
  camera.up.set(0, 0, 1);
  camera.lookAt(spot);
  camera.updateMatrixWorld();
  for (let quiet = 0; quiet < QUIET_FRAMES; ) {
    await new Promise((next) => setTimeout(next, 30));
    tiles.update();
    renderer.render(scene, camera);
    const { downloading, parsing, visible } = tiles.stats;
    quiet = downloading === 0 && parsing === 0 && visible > 0 ? quiet + 1 : 0;
  }
  tiles.group.updateMatrixWorld(true);
  return {
    seen: places.map((place) => drop(tiles, place)),
    failed: tiles.stats.failed,
    loaded: tiles.stats.loaded,
    ...compare(tiles, corners),
  };
}

main()
  .catch((error) => ({ error: String(error.stack ?? error) }))
  .then((told) => fetch("told", { method: "POST", body: JSON.stringify(told) }));
