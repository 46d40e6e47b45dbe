/* Decode the JSON payload that twin/web/payload.py writes. */

function decode(text, Type) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return new Type(bytes.buffer);
}

export function decodePayload(payload) {
  const { mesh, atlas, scale, ground, trees, sun, parts } = payload;
  const byId = new Map(parts.id.map((id, index) => [id, index]));
  const data = {
    scale: { ...scale, colours: decode(scale.colours, Uint8Array) },
    mesh: {
      position: decode(mesh.position, Float32Array),
      texel: decode(mesh.texel, Float32Array),
      index: decode(mesh.index, Uint32Array),
      part: decode(mesh.part, Uint32Array),
    },
    atlas: { ...atlas, values: decode(atlas.values, Uint8Array) },
    ground: { ...ground, z: decode(ground.z, Int16Array) },
    trees: decode(trees, Float32Array),
    plan: payload.plan,
    places: payload.places,
    parts,
    sun,
    partIndex: (id) => byId.get(id) ?? -1,
  };

  /* The sun's direction (east, north, up) and its angles at a day and a minute of it. */
  data.sunAt = (day, minute) => {
    const table = sun[day];
    const place = Math.min(minute / table.step, table.azimuth.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, table.azimuth.length - 1);
    const share = place - low;
    const turn = ((table.azimuth[high] - table.azimuth[low] + 540) % 360) - 180;
    const azimuth = (table.azimuth[low] + share * turn + 360) % 360;
    const elevation = table.elevation[low] * (1 - share) + table.elevation[high] * share;
    const a = (azimuth * Math.PI) / 180;
    const e = (elevation * Math.PI) / 180;
    return {
      azimuth,
      elevation,
      direction: [Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e)],
    };
  };

  /* Height of the shown ground [m]. */
  data.groundAt = (x, y) => {
    const { west, north, cell_x, cell_y, rows, columns, z } = data.ground;
    const column = Math.min(columns - 1, Math.max(0, Math.round((x - west) / cell_x)));
    const row = Math.min(rows - 1, Math.max(0, Math.round((north - y) / cell_y)));
    return z[row * columns + column] / 100;
  };

  /* The irradiation stored at a place of the atlas [kWh/m2 a year], null where unknown. */
  data.valueAt = (u, v) => {
    const column = Math.min(data.atlas.width - 1, Math.max(0, Math.floor(u)));
    const row = Math.min(data.atlas.height - 1, Math.max(0, Math.floor(v)));
    const stored = data.atlas.values[row * data.atlas.width + column];
    return stored === 0 ? null : ((stored - 1) / 254) * scale.max;
  };
  return data;
}
