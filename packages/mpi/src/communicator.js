/**
 * The thread that calls MPI: one for each process, the only one that does, so `MPI_THREAD_FUNNELED` is enough. It sleeps
 * until the main thread asks for something, so that a sum goes on while the main thread computes. Plain JavaScript, so that
 * it is loaded as it is from sources and from the built package.
 *
 * All foreign calls are in this file. What is called, and which numbers stand for which object in which library, it is
 * told (`library/families.ts`).
 */

import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';

const { candidates, families, prototypes, cells, control, port, probe } = workerData;

/** Bytes up to which everybody is sent everything: one exchange instead of two. */
const small = 8192;

/** Milliseconds between looks at a transfer that takes longer than it should: growing up to the last. */
const pauses = [0.05, 0.1, 0.2, 0.5, 1];

/** The first candidate that can be loaded. Of all others it is kept why they could not. */
function load() {
  const failures = [];
  for (const path of candidates) {
    try {
      const library = koffi.load(path, { global: true });
      const version = readVersion(library);
      const family = families.find(
        ({ named, says }) => (named && path.includes(named)) || says?.test(version),
      );
      if (family) return { path, library, version, family, failures };
      failures.push(`${path}: an MPI library that is not known: ${version}`);
    } catch (error) {
      failures.push(`${path}: ${error.message}`);
    }
  }
  return { failures };
}

/** What the library says of itself; allowed before it is begun. */
function readVersion(library) {
  const text = Buffer.alloc(8192);
  const length = new Int32Array(1);
  library.func('MPI_Get_library_version', 'int', ['void *', 'void *'])(text, length);
  return text.toString('utf8', 0, length[0]).replaceAll('\0', '').split('\n')[0].replace(/\s+/g, ' ').trim();
}

const { library, family, ...found } = load();
const calls = {};
const handles = {};
let types = {};

function bind() {
  const handle = family.handles === 'int' ? 'int' : 'uintptr_t';
  for (const [name, parameters] of Object.entries(prototypes)) {
    const declared = parameters.map((type) =>
      type === 'handle' ? handle : type === 'in place' ? 'intptr_t' : type,
    );
    calls[name] = library.func(name, 'int', declared);
  }
  // The number or address that stands for an object.
  for (const [name, value] of Object.entries(family.objects)) {
    handles[name] = typeof value === 'string' ? koffi.address(library.symbol(value)) : value;
  }
  types = { float32: handles.float, float64: handles.double, int32: handles.int32, uint8: handles.byte };
}

class MpiError extends Error {}

/** Throws what the library says of an error. */
function check(code, doing) {
  if (code === 0) return;
  const text = Buffer.alloc(8192);
  const length = new Int32Array(1);
  calls.MPI_Error_string(code, text, length);
  throw new MpiError(`${doing}: ${text.toString('utf8', 0, length[0])} (MPI error ${code})`);
}

let rank = 0;
let size = 1;
let begun = false;

function begin() {
  if (library === undefined || probe) return { ...found, family: family?.name };
  bind();
  const provided = new Int32Array(1);
  check(calls.MPI_Init_thread(null, null, family.funneled, provided), 'MPI_Init_thread');
  begun = true;
  check(calls.MPI_Comm_set_errhandler(handles.world, handles.errorsReturn), 'MPI_Comm_set_errhandler');
  const one = new Int32Array(1);
  check(calls.MPI_Comm_rank(handles.world, one), 'MPI_Comm_rank');
  rank = one[0];
  check(calls.MPI_Comm_size(handles.world, one), 'MPI_Comm_size');
  size = one[0];
  return { ...found, family: family.name, rank, size };
}

function abort(code) {
  if (begun) calls.MPI_Abort(handles.world, code);
  process.exit(code);
}

/** Requests under way at a time: as many as ranks, for messages that are waited for from all. */
const request = () => new BigUint64Array(1);
const done = new Int32Array(1);
/** Larger than any library's. */
const status = new BigInt64Array(16);

/**
 * Waits for a request; a blocking call would use a core up for as long as another rank is late. Messages only move while
 * somebody looks, so looks are close together for as long as the transfer may take, and further apart afterwards.
 */
function wait(pending, doing, bytes, timeout) {
  const began = performance.now();
  // 1 GB/s, and what a rank may be late without being asleep.
  const close = 0.2 + bytes / 1e6;
  let pause = 0;
  for (;;) {
    check(calls.MPI_Test(pending, done, status), doing);
    if (done[0] !== 0) return;
    if (Atomics.load(control, cells.abort) !== 0) abort(Atomics.load(control, cells.abort));
    const passed = performance.now() - began;
    if (passed < close) continue;
    if (passed > timeout) {
      throw new MpiError(`${doing} was not finished after ${Math.round(timeout / 1000)} s`);
    }
    Atomics.wait(control, cells.abort, 0, pauses[pause]);
    if (pause < pauses.length - 1) pause++;
  }
}

let scratch = new ArrayBuffer(1 << 16);

/** Memory of this thread, made anew when it is too small; it lies still while a request refers to it. */
function workspace(type, length) {
  const bytes = length * type.BYTES_PER_ELEMENT;
  if (scratch.byteLength < bytes) scratch = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
  return new type(scratch, 0, length);
}

/** `into` becomes the sum of the parts that lie behind each other, in the order of ranks. */
function sumParts(into, parts, length) {
  for (let i = 0; i < length; i++) into[i] = parts[i];
  for (let from = 1; from < size; from++) {
    const start = from * length;
    for (let i = 0; i < length; i++) into[i] += parts[start + i];
  }
}

/** The sum in the order of ranks, with every library and every setting of it: what is added is added here. */
function orderedSum(data, type, timeout) {
  const { length } = data;
  const kind = data.constructor;
  const pending = request();
  if (data.byteLength * size <= small) {
    const parts = workspace(kind, length * size);
    check(
      calls.MPI_Iallgather(data, length, type, parts, length, type, handles.world, pending),
      'MPI_Iallgather',
    );
    wait(pending, 'allReduce', parts.byteLength, timeout);
    sumParts(data, parts, length);
    return;
  }
  // Rank r adds the r-th part of everybody's.
  const counts = new Int32Array(size);
  const starts = new Int32Array(size);
  for (let r = 0; r < size; r++) {
    starts[r] = Math.floor((r * length) / size);
    counts[r] = Math.floor(((r + 1) * length) / size) - starts[r];
  }
  const mine = counts[rank];
  const parts = workspace(kind, mine * size);
  const equal = new Int32Array(size).fill(mine);
  const places = Int32Array.from({ length: size }, (_, r) => r * mine);
  check(
    calls.MPI_Ialltoallv(data, counts, starts, type, parts, equal, places, type, handles.world, pending),
    'MPI_Ialltoallv',
  );
  wait(pending, 'allReduce', data.byteLength, timeout);
  sumParts(data.subarray(starts[rank], starts[rank] + mine), parts, mine);
  check(
    calls.MPI_Iallgatherv(family.inPlace, 0, type, data, counts, starts, type, handles.world, pending),
    'MPI_Iallgatherv',
  );
  wait(pending, 'allReduce', data.byteLength, timeout);
}

const work = {
  allReduce({ data, dtype, operation, ordered, timeout }) {
    if (operation === 'sum' && ordered) return orderedSum(data, types[dtype], timeout);
    const pending = request();
    const op = handles[operation];
    check(
      calls.MPI_Iallreduce(family.inPlace, data, data.length, types[dtype], op, handles.world, pending),
      'MPI_Iallreduce',
    );
    wait(pending, 'allReduce', data.byteLength, timeout);
  },

  broadcast({ data, dtype, root, timeout }) {
    const pending = request();
    check(calls.MPI_Ibcast(data, data.length, types[dtype], root, handles.world, pending), 'MPI_Ibcast');
    wait(pending, 'broadcast', data.byteLength, timeout);
  },

  /** `parts` has room for everybody's. */
  gather({ data, parts, dtype, timeout }) {
    const pending = request();
    const type = types[dtype];
    check(
      calls.MPI_Iallgather(data, data.length, type, parts, data.length, type, handles.world, pending),
      'MPI_Iallgather',
    );
    wait(pending, 'gather', parts.byteLength, timeout);
  },

  send({ data, to, tag, timeout }) {
    const pending = request();
    check(calls.MPI_Isend(data, data.length, types.uint8, to, tag, handles.world, pending), 'MPI_Isend');
    wait(pending, `send to rank ${to}`, data.byteLength, timeout);
  },

  receive({ data, from, tag, timeout }) {
    const pending = request();
    check(calls.MPI_Irecv(data, data.length, types.uint8, from, tag, handles.world, pending), 'MPI_Irecv');
    wait(pending, `receive from rank ${from}`, data.byteLength, timeout);
  },

  finish() {
    check(calls.MPI_Finalize(), 'MPI_Finalize');
    begun = false;
  },
};

function answer(ticket, error, given) {
  if (error !== undefined) {
    port.postMessage({ ticket, error: String(error?.message ?? error) });
    Atomics.store(control, cells.failed, 1);
  } else if (given !== undefined) port.postMessage({ ticket, given });
  Atomics.store(control, cells.finished, ticket);
  Atomics.notify(control, cells.finished);
}

function serve() {
  try {
    answer(1, undefined, begin());
  } catch (error) {
    return answer(1, error);
  }
  if (!begun) return;
  let seen = 0;
  for (;;) {
    const next = receiveMessageOnPort(port);
    if (next === undefined) {
      if (Atomics.load(control, cells.abort) !== 0) abort(Atomics.load(control, cells.abort));
      Atomics.wait(control, cells.asked, seen);
      seen = Atomics.load(control, cells.asked);
      continue;
    }
    const { ticket, kind, ...request } = next.message;
    try {
      work[kind](request);
      answer(ticket);
    } catch (error) {
      answer(ticket, error);
    }
    if (kind === 'finish') return;
  }
}

serve();
