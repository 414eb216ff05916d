/** Who walks on the surface: balls with trails, and many small balls at once. */
import {
  Color,
  Group,
  InstancedMesh,
  Matrix4,
  Mesh,
  MeshPhongMaterial,
  OctahedronGeometry,
  SphereGeometry,
  type Vector2,
} from 'three';
import { Line2 } from 'three/addons/lines/Line2.js';
import { LineGeometry } from 'three/addons/lines/LineGeometry.js';
import { LineMaterial } from 'three/addons/lines/LineMaterial.js';
import { basinColor, seriesColor } from './paint.ts';
import { placeAt, type Relief, type Scenery, swarmPlace } from './scenery.ts';
import { toScene } from './surfaceMesh.ts';

/** Radii beside the surface's width of 2. */
const ballRadius = 0.032;
const smallRadius = 0.017;
/** Parts of a trail for each step, so that it lies on the surface; fewer where there are many steps. */
const finest = 10;
const mostParts = 3000;

export interface Walkers {
  readonly group: Group;
  /** Moves them to where they are at a time in steps. */
  setTime(time: number): void;
  resize(size: Vector2): void;
  dispose(): void;
}

export function makeWalkers(relief: Relief, scenery: Scenery): Walkers {
  const group = new Group();
  const place = (x: number, y: number, lift: number): [number, number, number] | null => {
    const at = relief.at(x, y);
    if (!at) return null;
    const [right, up, toward] = toScene(at.across, at.up, at.height);
    return [right, up + lift, toward];
  };
  const trails = scenery.paths.map(({ points }, i) => makeTrail(points, seriesColor(i), place));
  const balls = scenery.paths.map((_, i) => {
    const material = new MeshPhongMaterial({ color: seriesColor(i), shininess: 60 });
    return new Mesh(new SphereGeometry(ballRadius, 24, 16), material);
  });
  const marks = scenery.minima.flatMap(([x, y]) => {
    const at = place(x, y, 0.05);
    if (!at) return [];
    const mark = new Mesh(new OctahedronGeometry(0.03), new MeshPhongMaterial({ color: '#ffffff' }));
    mark.position.set(...at);
    return [mark];
  });
  const swarm = scenery.basins ? makeSwarm(scenery.basins, place) : null;
  group.add(...trails.flatMap(({ line }) => (line ? [line] : [])), ...balls, ...marks);
  if (swarm) group.add(swarm.mesh);
  return {
    group,
    setTime(time) {
      for (const [i, { points }] of scenery.paths.entries()) {
        const at = points.length > 0 ? place(...placeAt(points, time), ballRadius) : null;
        balls[i].visible = at !== null;
        if (at) balls[i].position.set(...at);
        trails[i].showUntil(time);
      }
      swarm?.setTime(time);
    },
    resize(size) {
      for (const { line } of trails) line?.material.resolution.copy(size);
    },
    dispose() {
      for (const { geometry, material } of [...balls, ...marks]) {
        geometry.dispose();
        material.dispose();
      }
      for (const { line } of trails) {
        line?.geometry.dispose();
        line?.material.dispose();
      }
      swarm?.mesh.geometry.dispose();
      swarm?.mesh.material.dispose();
      swarm?.mesh.dispose();
    },
  };
}

type Place = (x: number, y: number, lift: number) => [number, number, number] | null;

/** A line that lies on the surface, up to where it leaves the map. */
function makeTrail(points: Scenery['paths'][number]['points'], color: string, place: Place) {
  const parts = Math.max(1, Math.min(finest, Math.floor(mostParts / Math.max(1, points.length))));
  const along: number[] = [];
  for (let i = 0; i <= parts * (points.length - 1); i++) {
    const at = place(...placeAt(points, i / parts), 0.006);
    if (!at) break;
    along.push(...at);
  }
  const segments = along.length / 3 - 1;
  if (segments < 1) return { line: null, showUntil: () => undefined };
  const geometry = new LineGeometry();
  geometry.setPositions(along);
  const line = new Line2(geometry, new LineMaterial({ color, linewidth: 3.5 }));
  return {
    line,
    showUntil(time: number) {
      geometry.instanceCount = Math.min(segments, Math.floor(time * parts));
      line.visible = geometry.instanceCount > 0;
    },
  };
}

function makeSwarm(basins: NonNullable<Scenery['basins']>, place: Place) {
  const { side, labels } = basins;
  const count = side * side;
  const mesh = new InstancedMesh(
    new SphereGeometry(smallRadius, 8, 5),
    new MeshPhongMaterial({ shininess: 60 }),
    count,
  );
  mesh.frustumCulled = false;
  const color = new Color();
  for (let i = 0; i < count; i++) mesh.setColorAt(i, color.set(basinColor(labels[i])));
  const matrix = new Matrix4();
  const hidden = new Matrix4().makeScale(0, 0, 0);
  return {
    mesh,
    setTime(time: number) {
      for (let i = 0; i < count; i++) {
        const at = place(...swarmPlace(basins, i, time), smallRadius);
        mesh.setMatrixAt(i, at ? matrix.makeTranslation(...at) : hidden);
      }
      mesh.instanceMatrix.needsUpdate = true;
    },
  };
}
