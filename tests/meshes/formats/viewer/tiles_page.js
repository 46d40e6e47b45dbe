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

async function main() {
  const { places } = await (await fetch("places.json")).json();
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
  return { seen: places.map((place) => drop(tiles, place)), failed: tiles.stats.failed };
}

main()
  .catch((error) => ({ error: String(error.stack ?? error) }))
  .then((told) => fetch("told", { method: "POST", body: JSON.stringify(told) }));
