/** What programs can import by name, loaded when one does. */

/** Packages and their doors. */
export const packages: Readonly<Record<string, () => Promise<Readonly<Record<string, unknown>>>>> = {
  '@ag/tensor': () => import('@ag/tensor'),
  '@ag/tensor/debug': () => import('@ag/tensor/debug'),
  '@ag/tensor/engine': () => import('@ag/tensor/engine'),
  '@ag/graph': () => import('@ag/graph'),
  '@ag/nn': () => import('@ag/nn'),
  '@ag/optim': () => import('@ag/optim'),
  '@ag/datasets': () => import('@ag/datasets'),
  '@ag/train': () => import('@ag/train'),
  '@ag/viz': () => import('@ag/viz'),
  '@ag/onnx': () => import('@ag/onnx'),
  '@ag/native-wasm': () => import('@ag/native-wasm'),
  '@ag/webgpu': () => import('@ag/webgpu'),
};

/** What scripts of the repository, which examples use, are in a page. */
export const scripts: typeof packages = {
  '../scripts/dawn.mjs': async () => {
    const { gpu } = navigator as { gpu?: GPU };
    return { dawn: async () => (gpu ? { gpu } : { reason: 'this browser has no WebGPU' }) };
  },
};
