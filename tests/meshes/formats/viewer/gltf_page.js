// Looks at a glTF straight from above with three.js and tells what stands at given places.
import * as THREE from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";

const SIZE = 512;

async function main() {
  const { places } = await (await fetch("places.json")).json();
  const model = await new GLTFLoader().loadAsync("model.glb");
  const scene = new THREE.Scene();
  scene.add(model.scene, new THREE.AmbientLight(0xffffff, 3));
  const box = new THREE.Box3().setFromObject(model.scene);
  const middle = box.getCenter(new THREE.Vector3());
  const half = Math.max(box.max.x - box.min.x, box.max.z - box.min.z) / 2 + 5;
  const camera = new THREE.OrthographicCamera(-half, half, half, -half, 1, 1000);
  camera.up.set(0, 0, -1);
  camera.position.set(middle.x, box.max.y + 100, middle.z);
  camera.lookAt(middle);
  camera.updateMatrixWorld();
  const renderer = new THREE.WebGLRenderer({ preserveDrawingBuffer: true });
  renderer.setSize(SIZE, SIZE);
  document.body.append(renderer.domElement);
  renderer.render(scene, camera);
  const gl = renderer.getContext();
  const seen = places.map(([east, north]) => {
    const spot = new THREE.Vector3(east, 0, -north).project(camera);
    const caster = new THREE.Raycaster();
    caster.setFromCamera(new THREE.Vector2(spot.x, spot.y), camera);
    const hit = caster.intersectObject(model.scene, true)[0];
    const pixel = new Uint8Array(4);
    const [x, y] = [spot.x, spot.y].map((k) => Math.floor(((k + 1) / 2) * SIZE));
    gl.readPixels(x, y, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    const feature = hit?.object.geometry.attributes._feature_id_0;
    return {
      name: hit?.object.name || hit?.object.parent.name,
      height: hit?.point.y,
      face: feature ? feature.getX(hit.face.a) : null,
      colour: [...pixel.slice(0, 3)],
    };
  });
  return { seen, copyright: model.asset.copyright };
}

main()
  .catch((error) => ({ error: String(error.stack ?? error) }))
  .then((told) => fetch("told", { method: "POST", body: JSON.stringify(told) }));
