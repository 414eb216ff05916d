/** `agrad web`: what is served, to whom, and what is said when it cannot be. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { inProcess, scratchFolder } from '../testTools.ts';
import { web } from './web.ts';

const scratch = scratchFolder();
const folder = join(scratch, 'built');
mkdirSync(join(folder, 'assets'), { recursive: true });
writeFileSync(join(folder, 'index.html'), '<title>served</title>');
const script = 'export {};\n'.repeat(500);
writeFileSync(join(folder, 'assets/worker.js'), script);
writeFileSync(join(folder, 'assets/picture.png'), 'a picture');
writeFileSync(join(folder, 'headers.json'), '{ "Cross-Origin-Opener-Policy": "same-origin", "X-Test": "1" }');
writeFileSync(join(folder, 'assets/program.js'), 'export {};');
writeFileSync(join(folder, 'fileHeaders.json'), '{ "assets/program.js": { "X-Test": "2" } }');
writeFileSync(join(scratch, 'secret.txt'), 'not for readers');

/** A terminal that keeps lines, and the command in it until `stop`. */
async function begin(options: { page?: string; port?: number; built?: string } = {}) {
  const { page, port = 0, built = folder } = options;
  const lines: string[] = [];
  let tell: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const print = (line: string) => {
    lines.push(line);
    tell();
  };
  const terminal = { print, note: () => {}, event: () => {} } as unknown as Parameters<typeof web>[1];
  const ended = web({ positional: page === undefined ? [] : [page], open: false, port }, terminal, built);
  await Promise.race([ready, ended]);
  // The listener of the command itself, without a signal to the whole test runner.
  const stop = () => {
    process.listeners('SIGINT').at(-1)!('SIGINT');
    return ended;
  };
  return { address: lines[0], stop };
}

describe('agrad web', () => {
  it('serves the application with its headers, and nothing beside it, until Ctrl-C', async () => {
    const { address, stop } = await begin({ page: 'playground?data=spirals' });
    expect(address).toMatch(/^http:\/\/localhost:\d+\/#\/playground\?data=spirals$/);
    const root = new URL('/', address);
    const index = await fetch(root);
    expect(await index.text()).toContain('served');
    expect(index.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    const worker = await fetch(new URL('assets/worker.js', root));
    expect(worker.headers.get('content-type')).toContain('javascript');
    expect(worker.headers.get('x-test')).toBe('1');
    const program = await fetch(new URL('assets/program.js', root));
    expect(program.headers.get('x-test')).toBe('2');
    expect(program.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect((await fetch(new URL('none.js', root))).status).toBe(404);
    // fetch would tidy the path up first.
    const outside = await new Promise<number>((resolve) => {
      request({ host: root.hostname, port: root.port, path: '/../secret.txt' }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      }).end();
    });
    expect(outside).toBe(404);
    expect(await stop()).toBe(130);
    await expect(fetch(root)).rejects.toThrow();
  });

  it('compresses texts, for whoever understands that, and nothing twice', async () => {
    const { address, stop } = await begin();
    const get = (path: string, headers: Record<string, string> = {}) =>
      new Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>((resolve) => {
        const { hostname: host, port } = new URL(address);
        request({ host, port, path, headers }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part) => parts.push(part));
          response.on('end', () =>
            resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) }),
          );
        }).end();
      });
    const accepting = { 'accept-encoding': 'gzip, deflate, br;q=1.0' };
    const brotli = await get('/assets/worker.js', accepting);
    expect(brotli.headers).toMatchObject({
      'content-encoding': 'br',
      vary: 'Accept-Encoding',
      'x-test': '1',
    });
    expect(brotliDecompressSync(brotli.body).toString()).toBe(script);
    expect(brotli.body.length).toBeLessThan(script.length / 10);
    const gzip = await get('/', { 'accept-encoding': 'gzip' });
    expect(gunzipSync(gzip.body).toString()).toContain('served');
    const plain = await get('/assets/worker.js');
    expect([plain.headers['content-encoding'], plain.body.toString()]).toEqual([undefined, script]);
    const picture = await get('/assets/picture.png', accepting);
    expect([picture.headers['content-encoding'], picture.body.toString()]).toEqual([undefined, 'a picture']);
    const same = await get('/assets/worker.js', { ...accepting, 'if-none-match': brotli.headers.etag! });
    expect([same.status, same.body.length]).toEqual([304, 0]);
    expect((await get('/none.js', accepting)).status).toBe(404);
    expect(await stop()).toBe(130);
  });

  it('says when the port is taken, is none, or the application is not built', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, 'localhost', resolve));
    const { port } = other.address() as AddressInfo;
    const taken = begin({ port });
    await expect(taken).rejects.toThrow(Failure);
    await expect(taken).rejects.toThrow(`port ${port}: another program has it`);
    await new Promise((resolve) => other.close(resolve));
    const missing = begin({ built: join(scratch, 'missing') });
    await expect(missing).rejects.toMatchObject({ kind: 'configuration', message: /not built/ });
    const wrong = await inProcess('web', '--port', 'x', '--no-open');
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('--port x')]);
  });
});
