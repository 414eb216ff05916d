/** The surface in space: a mesh colored by height or by basins, with contour lines on it. */
import { BufferAttribute, BufferGeometry, Color, DoubleSide, Mesh, ShaderMaterial } from 'three';
import { basinColor, heightColors } from './paint.ts';
import type { Basins } from './race.ts';
import type { Relief } from './scenery.ts';

/** How high the surface is beside its width of 2. */
export const stretch = 0.95;

/** Lines of equal height. */
const lines = 20;

const vertex = `
attribute vec3 tint;
attribute float level;
varying vec3 vTint;
varying float vLevel;
varying vec3 vNormal;
void main() {
  vTint = tint;
  vLevel = level;
  vNormal = normalize(normalMatrix * normal);
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;

const fragment = `
uniform float count;
varying vec3 vTint;
varying float vLevel;
varying vec3 vNormal;
void main() {
  vec3 n = normalize(vNormal);
  if (!gl_FrontFacing) n = -n;
  float light = 0.62 + 0.38 * max(0.0, dot(n, normalize(vec3(-0.4, 0.75, 0.55))));
  float at = vLevel * count;
  float away = abs(fract(at - 0.5) - 0.5) / max(fwidth(at), 1e-6);
  float line = 1.0 - clamp(away - 0.2, 0.0, 1.0);
  gl_FragColor = vec4(mix(vTint * light, vec3(0.0), 0.3 * line), 1.0);
  #include <colorspace_fragment>
}`;

/** Places of the unit square of the map in the scene: x to the right, y away, heights up. */
export function toScene(across: number, up: number, height: number): [number, number, number] {
  return [2 * across - 1, stretch * (height - 0.5), 1 - 2 * up];
}

export function makeSurface(relief: Relief): Mesh<BufferGeometry, ShaderMaterial> {
  const { columns, rows, heights } = relief;
  const count = columns * rows;
  const positions = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const height = Number.isFinite(heights[i]) ? heights[i] : 0;
    positions.set(toScene(column / (columns - 1), row / (rows - 1), height), 3 * i);
  }
  const index: number[] = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const a = row * columns + column;
      const corners = [a, a + 1, a + columns, a + columns + 1];
      if (corners.every((at) => Number.isFinite(heights[at])))
        index.push(a, a + 1, a + columns, a + 1, a + columns + 1, a + columns);
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(positions, 3));
  geometry.setAttribute('level', new BufferAttribute(heights, 1));
  geometry.setAttribute('tint', new BufferAttribute(new Float32Array(3 * count), 3));
  geometry.setIndex(index);
  geometry.computeVertexNormals();
  const material = new ShaderMaterial({
    vertexShader: vertex,
    fragmentShader: fragment,
    uniforms: { count: { value: lines } },
    side: DoubleSide,
    polygonOffset: true,
    polygonOffsetFactor: 1,
    polygonOffsetUnits: 1,
  });
  const mesh = new Mesh(geometry, material);
  tintSurface(mesh, relief, null);
  return mesh;
}

/** Colors by height, or by where a runner that starts there arrives. */
export function tintSurface(
  { geometry }: Mesh<BufferGeometry, ShaderMaterial>,
  { columns, rows, heights }: Relief,
  basins: Basins | null,
): void {
  const tint = geometry.getAttribute('tint');
  const color = new Color();
  for (let i = 0; i < columns * rows; i++) {
    if (basins) {
      const { side, labels } = basins;
      const nearest = (at: number, of: number) => Math.round((at / (of - 1)) * (side - 1));
      const start = nearest(Math.floor(i / columns), rows) * side + nearest(i % columns, columns);
      color.set(basinColor(labels[start]));
      // Higher ground is lighter, so that the form stays readable in one color.
      color.lerp(white, 0.12 + 0.4 * (heights[i] || 0));
    } else {
      color.setRGB(...heightColors[Math.round(256 * (heights[i] || 0))], 'srgb');
    }
    tint.setXYZ(i, color.r, color.g, color.b);
  }
  tint.needsUpdate = true;
}

const white = new Color('#ffffff');
