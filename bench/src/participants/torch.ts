/** PyTorch as a participant, where a Python has it, and `ag` on several Nodes beside it. */
import { join } from 'node:path';
import { type Engine, engines, type Folders, output } from './engines.ts';

/** @param ways with `torch.compile`, too; Adam as one fused kernel, which is an option of it
 * @returns null where the Python does not have it */
export function findTorch(
  python: string,
  { peers }: Folders,
  threads: number,
  ways: { readonly compiled: boolean; readonly fused: boolean },
): Engine[] | null {
  const version = output(python, ['-c', 'import torch; print(torch.__version__)']);
  if (version === null) return null;
  const engine = (name: string, variant: string): Engine => ({
    name,
    kind: 'peer',
    command: python,
    flags: [join(peers, 'torch_peer.py')],
    environment: {},
    task: { backend: 'torch', threads, variant: `${variant}${ways.fused ? ', fused Adam' : ''}` },
    version: `PyTorch ${version}${ways.fused ? ', fused Adam' : ''}`,
  });
  return [engine('PyTorch', 'eager'), ...(ways.compiled ? [engine('PyTorch compiled', 'compiled')] : [])];
}

export interface OwnOptions {
  readonly folders: Folders;
  readonly nodes: readonly string[];
  readonly nodeFlags: readonly string[];
  readonly threads: number;
  /** Add one with 256-bit vectors on each Node that has them. */
  readonly wide: boolean;
  readonly base: boolean;
}

/** `ag` on each Node, named after it. */
export function ownEngines({ nodes, wide, threads, ...options }: OwnOptions): Engine[] {
  return nodes.flatMap((node) => {
    const on = (wide: boolean): Engine[] =>
      engines({ ...options, node, wide, threads: [threads], backend: 'wasm', python: null }).map(
        (engine) => ({
          ...engine,
          name: `${engine.name.split(' ')[0]}, Node ${majorOf(engine)}${wide ? ', 256-bit' : ''}`,
        }),
      );
    const narrow = on(false);
    return wide && majorOf(narrow[0]) >= 24 ? [...narrow, ...on(true)] : narrow;
  });
}

function majorOf({ version }: Engine): number {
  return Number.parseInt(version.slice(1), 10);
}
