/**
 * A worker thread of the backend. Plain JavaScript and without imports, so that it can be loaded as it is from sources,
 * from the built package and by bundlers: `new Worker(new URL('./worker.js', import.meta.url))`.
 *
 * Addresses are those of `control.ts`; `math` is that of `kernelCache.ts`.
 */
const control = { ready: 200, published: 320, quit: 324, failed: 384, loaded: 576 };

const math = { remainder: (a, b) => a % b };

const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');

function start({ memory, driver, hosts, modules, thread, cell }) {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 256 });
  const number = new WebAssembly.Global({ value: 'i32', mutable: false }, thread);
  const load = (bytes, tableSize) => {
    if (table.length < tableSize) table.grow(tableSize - table.length);
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, table, thread: number } });
  };
  new WebAssembly.Instance(new WebAssembly.Module(hosts), { env: { table }, math });
  const { work } = new WebAssembly.Instance(new WebAssembly.Module(driver), {
    env: { memory, table, stalled: () => 0 },
  }).exports;
  for (const { bytes, tableSize } of modules) load(bytes, tableSize);
  // The memory may have grown: views are made anew whenever it is looked into.
  const words = () => new Int32Array(memory.buffer);
  let loaded = 0;
  Atomics.add(words(), control.ready >> 2, 1);
  while (Atomics.load(words(), control.quit >> 2) === 0) {
    const wanted = Atomics.load(words(), control.published >> 2);
    while (loaded < wanted) {
      const i32 = words();
      const address = i32[cell >>> 2];
      const at = address >>> 2;
      // A copy: engines refuse to compile from shared memory.
      const from = (address >>> 0) + 12;
      load(new Uint8Array(memory.buffer).slice(from, from + i32[at + 1]), i32[at + 2]);
      cell = address;
      loaded++;
    }
    Atomics.store(words(), (control.loaded + 64 * thread) >> 2, loaded);
    work(loaded);
  }
}

function receive(message) {
  try {
    start(message);
  } catch (error) {
    Atomics.store(new Int32Array(message.memory.buffer), control.failed >> 2, 1);
    if (threads) throw error;
    globalThis.postMessage(`${error}`);
  }
}

if (threads) threads.parentPort.once('message', receive);
else globalThis.onmessage = (event) => receive(event.data);
