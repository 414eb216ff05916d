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

/**
 * What every rank sends every other first: what it is about, and the data where there is little of it. Always of one size, so
 * that ranks that are about different things find out, instead of waiting for each other. Numbers: kind, dtype, length, hash
 * of the topic, bytes of the topic; then the topic's text, then data.
 */
const block = { bytes: 512, text: 24, textBytes: 128, data: 152 };

const kinds = ['finish', 'allReduce', 'broadcast', 'gather'];
const dtypes = ['uint8', 'float32', 'float64'];

/** Tags of messages: the first exchange of a meeting, a message's length, and its bytes. */
const tags = { meeting: 1, length: 2, message: 3 };

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

/** What goes wrong, in a form that can be sent: `late` lists the ranks that did not come. */
class MpiError extends Error {
  constructor(message, facts = {}) {
    super(message);
    this.facts = facts;
  }
}

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
/** All ranks but this one. */
let others = [];
/** What came in the first exchange, by rank. */
let blocks = new Uint8Array(0);

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
  others = Array.from({ length: size }, (_, r) => r).filter((r) => r !== rank);
  blocks = new Uint8Array(new ArrayBuffer(size * block.bytes));
  return { ...found, family: family.name, rank, size };
}

function abort(code) {
  if (begun) calls.MPI_Abort(handles.world, code);
  process.exit(code);
}

const request = () => new BigUint64Array(1);
const done = new Int32Array(1);
/** Larger than any library's. */
const status = new BigInt64Array(16);

function isDone(pending, doing) {
  check(calls.MPI_Test(pending, done, status), doing);
  return done[0] !== 0;
}

/**
 * Waits for requests; a blocking call would use a core up for as long as another rank is late. Messages only move while
 * somebody looks, so looks are close together for as long as the transfer may take, and further apart afterwards.
 *
 * @param bytes that are sent or received
 * @param late what to say when time is up, of the requests that are left
 */
function wait(requests, doing, bytes, timeout, late) {
  const began = performance.now();
  // 1 GB/s, and what a rank may be late without being asleep.
  const close = 0.2 + bytes / 1e6;
  let left = requests;
  for (let pause = 0; ; ) {
    left = left.filter(({ pending }) => !isDone(pending, doing));
    if (left.length === 0) return;
    if (Atomics.load(control, cells.abort) !== 0) abort(Atomics.load(control, cells.abort));
    const passed = performance.now() - began;
    if (passed < close) continue;
    if (passed > timeout) throw late(left);
    Atomics.wait(control, cells.abort, 0, pauses[pause]);
    if (pause < pauses.length - 1) pause++;
  }
}

/** Waits for one request of all ranks, of which it cannot be seen which one is late. */
function waitForAll(pending, doing, bytes, timeout) {
  wait([{ pending }], doing, bytes, timeout, () => new MpiError(doing, { late: [] }));
}

let scratch = new ArrayBuffer(1 << 16);

/** Memory of this thread, made anew when it is too small; it lies still while a request refers to it. */
function workspace(type, length) {
  const bytes = length * type.BYTES_PER_ELEMENT;
  if (scratch.byteLength < bytes) scratch = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
  return new type(scratch, 0, length);
}

/**
 * The first exchange: all say what they are about, and send their data where it is little.
 *
 * @param data sent with it; none where it is too much
 */
function meet({ kind, topic, dtype, length, timeout }, data) {
  const own = blocks.subarray(rank * block.bytes, (rank + 1) * block.bytes);
  const text = encoder.encode(topic).subarray(0, block.textBytes);
  new Int32Array(own.buffer, own.byteOffset, 5).set([
    kinds.indexOf(kind),
    dtypes.indexOf(dtype),
    length,
    hashOf(topic),
    text.length,
  ]);
  own.set(text, block.text);
  if (data) own.set(data, block.data);
  const requests = others.flatMap((other) => {
    const theirs = blocks.subarray(other * block.bytes, (other + 1) * block.bytes);
    const [coming, going] = [request(), request()];
    const bytes = block.bytes;
    check(
      calls.MPI_Irecv(theirs, bytes, types.uint8, other, tags.meeting, handles.world, coming),
      'MPI_Irecv',
    );
    check(calls.MPI_Isend(own, bytes, types.uint8, other, tags.meeting, handles.world, going), 'MPI_Isend');
    return [
      { pending: coming, other },
      { pending: going, other },
    ];
  });
  wait(
    requests,
    topic,
    blocks.byteLength,
    timeout,
    (left) => new MpiError(topic, { late: [...new Set(left.map(({ other }) => other))] }),
  );
  for (const other of others) {
    const [[a, b, c, d], [e, f, g, h]] = [rank, other].map(
      (r) => new Int32Array(blocks.buffer, r * block.bytes, 4),
    );
    // Parts to be gathered may have any length.
    if (a === e && b === f && (c === g || kind === 'gather') && d === h) continue;
    throw new MpiError('differs', { other, here: described(rank), there: described(other) });
  }
}

const encoder = new TextEncoder();

/** Milliseconds on a clock that all threads of the process share. */
const now = () => performance.timeOrigin + performance.now();

/** FNV-1a. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** What a rank is about, in words. */
function described(r) {
  const at = r * block.bytes;
  const [kind, dtype, length, , textLength] = new Int32Array(blocks.buffer, at, 5);
  const text = new TextDecoder().decode(blocks.subarray(at + block.text, at + block.text + textLength));
  if (kinds[kind] === 'finish') return 'finish';
  return `${kinds[kind]} of ${length} ${dtypes[dtype]}, ${text}`;
}

/** Where little data of a rank lies after the first exchange. */
function little(kind, r, length) {
  return new kind(blocks.buffer, r * block.bytes + block.data, length);
}

const bytesOf = (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const isLittle = (bytes) => bytes <= block.bytes - block.data;

/** `into` becomes the sum of parts in the order of ranks, rounded to its type after each. */
function addInOrder(into, partOf) {
  const { length } = into;
  const first = partOf(0);
  for (let i = 0; i < length; i++) into[i] = first[i];
  for (let r = 1; r < size; r++) {
    const part = partOf(r);
    for (let i = 0; i < length; i++) into[i] += part[i];
  }
}

/**
 * The sum in the order of ranks, with every library and every setting of it: what is added is added here. Rank r adds the
 * r-th part of everybody's, so as much is moved as by a ring.
 */
function orderedSum(data, type, topic, timeout) {
  const { length } = data;
  const counts = new Int32Array(size);
  const starts = new Int32Array(size);
  for (let r = 0; r < size; r++) {
    starts[r] = Math.floor((r * length) / size);
    counts[r] = Math.floor(((r + 1) * length) / size) - starts[r];
  }
  const mine = counts[rank];
  const parts = workspace(data.constructor, mine * size);
  const equal = new Int32Array(size).fill(mine);
  const places = Int32Array.from({ length: size }, (_, r) => r * mine);
  const pending = request();
  check(
    calls.MPI_Ialltoallv(data, counts, starts, type, parts, equal, places, type, handles.world, pending),
    'MPI_Ialltoallv',
  );
  waitForAll(pending, topic, data.byteLength, timeout);
  addInOrder(data.subarray(starts[rank], starts[rank] + mine), (r) =>
    parts.subarray(r * mine, (r + 1) * mine),
  );
  check(
    calls.MPI_Iallgatherv(family.inPlace, 0, type, data, counts, starts, type, handles.world, pending),
    'MPI_Iallgatherv',
  );
  waitForAll(pending, topic, data.byteLength, timeout);
}

/** The sum as the library likes to take it. */
function fastestSum(data, type, topic, timeout) {
  const pending = request();
  const { sum, world } = handles;
  check(calls.MPI_Iallreduce(family.inPlace, data, data.length, type, sum, world, pending), 'MPI_Iallreduce');
  waitForAll(pending, topic, data.byteLength, timeout);
}

/** A message to one rank, of any length: its length, then its bytes. */
function send({ data, to, timeout }) {
  const length = new Int32Array([data.length]);
  const [first, second] = [request(), request()];
  check(calls.MPI_Isend(bytesOf(length), 4, types.uint8, to, tags.length, handles.world, first), 'MPI_Isend');
  check(
    calls.MPI_Isend(data, data.length, types.uint8, to, tags.message, handles.world, second),
    'MPI_Isend',
  );
  wait(
    [{ pending: first }, { pending: second }],
    'send',
    data.length,
    timeout,
    () => new MpiError('send', { late: [to] }),
  );
}

/** By rank: a message that is waited for, and where its length will stand. */
const expected = new Map();

/** Who waits for the next message of any rank, the first first. */
const receivers = [];

/** Milliseconds after which a message that has begun to come must be there. */
const messageTimeout = 60_000;

/** Looks for a message, for the first who waits; answers whether one came. */
function lookForMessage() {
  for (const from of others) {
    if (expected.has(from)) continue;
    const entry = { length: new Int32Array(new ArrayBuffer(4)), pending: request() };
    const into = bytesOf(entry.length);
    check(
      calls.MPI_Irecv(into, 4, types.uint8, from, tags.length, handles.world, entry.pending),
      'MPI_Irecv',
    );
    expected.set(from, entry);
  }
  for (const [from, { length, pending }] of expected) {
    if (!isDone(pending, 'receive')) continue;
    expected.delete(from);
    const data = new Uint8Array(new ArrayBuffer(Math.max(1, length[0])), 0, length[0]);
    const body = request();
    check(
      calls.MPI_Irecv(data, length[0], types.uint8, from, tags.message, handles.world, body),
      'MPI_Irecv',
    );
    const late = () => new MpiError('receive', { late: [from] });
    wait([{ pending: body }], 'receive', data.length, messageTimeout, late);
    say({ ticket: receivers.shift(), given: { from, data } });
    return true;
  }
  return false;
}

const work = {
  allReduce(asked) {
    const { data, topic, timeout, dtype, ordered } = asked;
    const small = isLittle(data.byteLength);
    meet(asked, small && bytesOf(data));
    const met = now();
    if (small) addInOrder(data, (r) => little(data.constructor, r, data.length));
    else if (ordered) orderedSum(data, types[dtype], topic, timeout);
    else fastestSum(data, types[dtype], topic, timeout);
    return asked.timed ? { met, done: now() } : undefined;
  },

  broadcast(asked) {
    const { data, topic, timeout } = asked;
    const small = isLittle(data.length);
    meet(asked, small && data);
    if (small) return data.set(little(Uint8Array, 0, data.length));
    const pending = request();
    check(calls.MPI_Ibcast(data, data.length, types.uint8, 0, handles.world, pending), 'MPI_Ibcast');
    waitForAll(pending, topic, data.length, timeout);
  },

  gather(asked) {
    const { data, topic, timeout } = asked;
    meet(asked);
    const lengths = Int32Array.from(
      { length: size },
      (_, r) => new Int32Array(blocks.buffer, r * block.bytes, 3)[2],
    );
    const starts = new Int32Array(size);
    for (let r = 1; r < size; r++) starts[r] = starts[r - 1] + lengths[r - 1];
    const all = new Uint8Array(new ArrayBuffer(Math.max(8, starts[size - 1] + lengths[size - 1])));
    const pending = request();
    const type = types.uint8;
    check(
      calls.MPI_Igatherv(data, data.length, type, all, lengths, starts, type, 0, handles.world, pending),
      'MPI_Igatherv',
    );
    waitForAll(pending, topic, all.length, timeout);
    if (rank === 0) return Array.from(lengths, (length, r) => all.slice(starts[r], starts[r] + length));
  },

  send,

  finish(asked) {
    meet(asked);
    for (const { pending } of expected.values()) {
      check(calls.MPI_Cancel(pending), 'MPI_Cancel');
      waitForAll(pending, 'finish', 0, asked.timeout);
    }
    check(calls.MPI_Finalize(), 'MPI_Finalize');
    begun = false;
  },
};

function say(message) {
  port.postMessage(message);
  Atomics.add(control, cells.said, 1);
}

function answer(ticket, error, given) {
  if (error !== undefined) say({ ticket, error: String(error?.message ?? error), facts: error?.facts });
  else if (given !== undefined) say({ ticket, given });
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
      // Who waits for messages is to be able to send some meanwhile.
      if (receivers.length === 0 || !lookForMessage()) {
        Atomics.wait(control, cells.asked, seen, receivers.length === 0 ? undefined : 1);
      }
      seen = Atomics.load(control, cells.asked);
      continue;
    }
    const { ticket, ...asked } = next.message;
    if (asked.kind === 'receive') {
      receivers.push(ticket);
      continue;
    }
    try {
      answer(ticket, undefined, work[asked.kind](asked));
    } catch (error) {
      answer(ticket, error);
    }
    if (asked.kind === 'finish') return;
  }
}

serve();
