/**
 * The scene in space, by three.js, drawn again only when something has changed.
 *
 * Loaded when the picture in space is first shown (docs/decisions/0052-landscapes-in-space.md).
 */

import { cos, sin } from '@ag/tensor/math';
import {
  AmbientLight,
  BufferGeometry,
  DirectionalLight,
  LineBasicMaterial,
  LineLoop,
  type Mesh,
  PerspectiveCamera,
  Raycaster,
  Scene,
  type ShaderMaterial,
  Vector2,
  Vector3,
  WebGLRenderer,
} from 'three';
import { type Relief, reliefOf, type Scenery } from './scenery.ts';
import { makeSurface, stretch, tintSurface, toScene } from './surfaceMesh.ts';
import { makeWalkers, type Walkers } from './walkers.ts';

/** Where the viewer stands: degrees about the vertical and above the floor, and how near. */
export interface Viewpoint {
  readonly azimuth: number;
  readonly elevation: number;
  readonly zoom: number;
}

export interface Stage {
  /** Shows another surface, or others who walk on it. */
  show(scenery: Scenery): void;
  setTime(time: number): void;
  look(viewpoint: Viewpoint): void;
  resize(width: number, height: number): void;
  /** The place of the map under a point of the picture, from −1 to 1 each way; null where there is none. */
  pick(across: number, up: number): readonly [number, number] | null;
  /** Draws at once, for pictures that are taken away. */
  draw(): void;
  /** Frames drawn so far. */
  readonly frames: number;
  dispose(): void;
}

/** Of the map, in the scene, with the name that is written there. */
export type Corner = 'xLow' | 'xHigh' | 'x' | 'yLow' | 'yHigh' | 'y' | 'heights';

const corners: Readonly<Record<Corner, readonly [number, number, number]>> = {
  xLow: [0, -0.07, 0],
  x: [0.5, -0.12, 0],
  xHigh: [1, -0.07, 0],
  yLow: [1.07, 0, 0],
  y: [1.12, 0.5, 0],
  yHigh: [1.07, 1, 0],
  heights: [0, 1, 1.08],
};

/** Milliseconds of a frame that is too long. */
const slowFrame = 45;

/**
 * @param onFrame told where the corners are on the picture, in pixels, whenever it has been drawn
 * @throws Error where the browser has no WebGL
 */
export function createStage(
  canvas: HTMLCanvasElement,
  onFrame: (places: Readonly<Record<Corner, readonly [number, number]>>) => void,
): Stage {
  // What is drawn can be taken away as a picture.
  const renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true, preserveDrawingBuffer: true });
  const camera = new PerspectiveCamera(32, 1, 0.1, 50);
  const scene = new Scene();
  const sun = new DirectionalLight('#ffffff', 2.2);
  sun.position.set(-1, 2, 1.4);
  scene.add(new AmbientLight('#ffffff', 1.4), sun, camera);
  const frame = makeFrame();
  scene.add(frame);

  let surface: Mesh<BufferGeometry, ShaderMaterial> | null = null;
  let relief: Relief | null = null;
  let walkers: Walkers | null = null;
  let shown: Scenery | null = null;
  let time = 0;
  let frames = 0;
  let asked = 0;
  let disposed = false;
  const size = new Vector2(1, 1);

  // Fewer pixels where frames take long, as on a processor that acts as a graphics card.
  let ratio = Math.min(2, devicePixelRatio);
  let before = 0;
  let slow = 0;
  const spare = (now: number) => {
    const took = now - before;
    before = now;
    // Longer than that is a rest, not a frame.
    slow = took > slowFrame && took < 1000 ? slow + 1 : 0;
    if (slow < 3 || ratio <= 0.5) return;
    slow = 0;
    ratio = Math.max(0.5, 0.7 * ratio);
    renderer.setPixelRatio(ratio);
  };

  const draw = () => {
    asked = 0;
    if (disposed) return;
    spare(performance.now());
    walkers?.setTime(time);
    renderer.render(scene, camera);
    frames++;
    const spot = new Vector3();
    const places = Object.entries(corners).map(([name, at]) => {
      spot.set(...toScene(...at)).project(camera);
      return [name, [((spot.x + 1) / 2) * size.x, ((1 - spot.y) / 2) * size.y]];
    });
    onFrame(Object.fromEntries(places));
  };
  const invalidate = () => {
    // Time goes on for a moment after the page was left.
    if (asked === 0 && !disposed) asked = requestAnimationFrame(draw);
  };
  const removeWalkers = () => {
    if (!walkers) return;
    scene.remove(walkers.group);
    walkers.dispose();
  };
  const removeSurface = () => {
    if (!surface) return;
    scene.remove(surface);
    surface.geometry.dispose();
    surface.material.dispose();
  };

  return {
    show(scenery) {
      if (!surface || !relief || scenery.key !== shown?.key) {
        removeSurface();
        relief = reliefOf(scenery);
        surface = makeSurface(relief);
        scene.add(surface);
      }
      tintSurface(surface, relief, scenery.basins);
      shown = scenery;
      removeWalkers();
      walkers = makeWalkers(relief, scenery);
      walkers.resize(size);
      scene.add(walkers.group);
      invalidate();
    },
    setTime(next) {
      time = next;
      invalidate();
    },
    look({ azimuth, elevation, zoom }) {
      const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
      // Far enough for the surface's widest side in the narrower direction of the window.
      const distance = (4.4 / zoom) * Math.max(1, 1.25 / camera.aspect);
      camera.position.set(distance * cos(e) * sin(a), distance * sin(e), distance * cos(e) * cos(a));
      camera.lookAt(0, -0.08, 0);
      camera.updateMatrixWorld();
      invalidate();
    },
    resize(width, height) {
      size.set(width, height);
      renderer.setPixelRatio(ratio);
      renderer.setSize(width, height, false);
      camera.aspect = width / height;
      camera.updateProjectionMatrix();
      walkers?.resize(size);
      invalidate();
    },
    pick(across, up) {
      if (!surface || !shown) return null;
      const ray = new Raycaster();
      ray.setFromCamera(new Vector2(across, up), camera);
      const [hit] = ray.intersectObject(surface);
      if (!hit) return null;
      const { x, y } = shown.domain;
      const at = ([low, high]: readonly [number, number], share: number) => low + share * (high - low);
      return [at(x, (hit.point.x + 1) / 2), at(y, (1 - hit.point.z) / 2)];
    },
    draw,
    get frames() {
      return frames;
    },
    dispose() {
      disposed = true;
      cancelAnimationFrame(asked);
      removeSurface();
      removeWalkers();
      frame.geometry.dispose();
      frame.material.dispose();
      renderer.dispose();
      renderer.forceContextLoss();
    },
  };
}

/** The outline of the floor. */
function makeFrame(): LineLoop<BufferGeometry, LineBasicMaterial> {
  const floor = -stretch / 2;
  const points = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].map(([x, z]) => new Vector3(x, floor, z));
  return new LineLoop(
    new BufferGeometry().setFromPoints(points),
    new LineBasicMaterial({ color: '#8a949e', transparent: true, opacity: 0.8 }),
  );
}
