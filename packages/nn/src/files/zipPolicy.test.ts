/**
 * Archives are read where a page's policy forbids code from texts, workers and WebAssembly, as `script-src 'self'` does:
 * in a process that forbids the first and has neither of the others.
 */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const program = `
  const forbid = (name) => {
    const refuse = () => { throw new Error(name + ' was used'); };
    globalThis[name] = new Proxy(class {}, { apply: refuse, construct: refuse, get: refuse });
  };
  const { loadNpz, saveNpz } = await import('@ag/nn');
  const { tensor } = await import('@ag/tensor');
  const { deflateRawSync } = await import('node:zlib');
  const stored = await saveNpz({ a: tensor([1, 2, 3]) });
  // The only member deflated: its local record, its directory record and the end moved accordingly.
  const view = new DataView(stored.buffer);
  const start = 30 + 5;
  const size = view.getUint32(22, true);
  const part = deflateRawSync(stored.subarray(start, start + size));
  const bytes = Buffer.concat([stored.subarray(0, start), part, stored.subarray(start + size)]);
  const directory = start + part.length;
  for (const at of [8, directory + 10]) bytes.writeUInt16LE(8, at);
  for (const at of [18, directory + 20]) bytes.writeUInt32LE(part.length, at);
  bytes.writeUInt32LE(directory, bytes.length - 6);
  for (const name of ['Worker', 'SharedWorker', 'WebAssembly', 'eval', 'Function']) forbid(name);
  for (const archive of [stored, new Uint8Array(bytes)]) {
    const { a } = await loadNpz(archive);
    console.log([...a.dataSync()].join());
  }`;

it('needs no worker, no WebAssembly and no code from text', () => {
  const options = ['--disallow-code-generation-from-strings', '--conditions=@ag/source', '--import', 'tsx'];
  const said = execFileSync(process.execPath, [...options, '--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  expect(said).toBe('1,2,3\n1,2,3\n');
});
