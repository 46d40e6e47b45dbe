// Opens a glTF in model-viewer, looks at it from above and tells what stands where.
import "@google/model-viewer/dist/model-viewer.min.js";

const SIZE = 480;
const STEP = 6;

function tick() {
  return new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
}

async function main() {
  const viewer = document.createElement("model-viewer");
  Object.assign(viewer.style, { width: `${SIZE}px`, height: `${SIZE}px`, display: "block" });
  viewer.setAttribute("camera-orbit", "0deg 0deg auto");
  viewer.setAttribute("min-camera-orbit", "auto 0deg auto");
  viewer.setAttribute("field-of-view", "20deg");
  viewer.setAttribute("interaction-prompt", "none");
  viewer.setAttribute("loading", "eager");
  const loaded = new Promise((done, failed) => {
    viewer.addEventListener("load", done);
    viewer.addEventListener("error", (event) => failed(new Error(JSON.stringify(event.detail))));
  });
  viewer.setAttribute("src", "model.glb");
  document.body.append(viewer);
  await loaded;
  viewer.jumpCameraToGoal();
  await viewer.updateComplete;
  await tick();
  const picture = new Image();
  picture.src = viewer.toDataURL();
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0);
  const zoom = picture.width / SIZE;
  const { left, top } = viewer.getBoundingClientRect();
  const hits = [];
  for (let y = STEP / 2; y < SIZE; y += STEP) {
    for (let x = STEP / 2; x < SIZE; x += STEP) {
      const hit = viewer.positionAndNormalFromPoint(left + x, top + y);
      if (!hit) continue;
      const pixel = pen.getImageData(Math.floor(x * zoom), Math.floor(y * zoom), 1, 1).data;
      const { position: p, normal: n } = hit;
      hits.push({ place: [p.x, p.y, p.z], up: n.y, colour: [...pixel.slice(0, 3)] });
    }
  }
  const { x, y, z } = viewer.getDimensions();
  const materials = viewer.model.materials.map((material) => material.name);
  return { hits, size: [x, y, z], materials };
}

main()
  .catch((error) => ({ error: String(error.stack ?? error) }))
  .then((told) => fetch("told", { method: "POST", body: JSON.stringify(told) }));
