/**
 * Downloads one file over HTTP from the first mirror that delivers it. It retries, with resumption by byte range, a
 * limit on silence, and a check of the whole. Where the bytes are kept is the business of a {@link Sink}.
 */
import { DataError } from '../errors.ts';

/** Progress of a download. */
export interface DownloadProgress {
  /** The file's name. */
  file: string;
  /** The mirror in use. */
  url: string;
  /** Bytes at hand, those of an earlier, interrupted download included. */
  received: number;
  /** Bytes in all, where the server or the data set says so. */
  total: number | undefined;
}

/** Retries and timeouts of a download. */
export interface TransferOptions {
  /** Called for every chunk that arrives. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Ends the download with the signal's reason; what has arrived is kept for the next time. */
  signal?: AbortSignal;
  /** Attempts at each mirror. Default 4. */
  attempts?: number;
  /** Milliseconds without a byte after which an attempt is given up. Default 30,000. */
  stallTimeout?: number;
  /** Milliseconds before the second attempt; doubled for each further one. Default 500. */
  retryDelay?: number;
}

/** Where the bytes of a download go. */
export interface Sink {
  /** The number of bytes held. */
  size(): number;
  append(chunk: Uint8Array): Promise<void>;
  /** Forgets all bytes. */
  clear(): Promise<void>;
  /** All bytes. */
  read(): Promise<Uint8Array>;
}

/** A file that can be downloaded. */
export interface RemoteFile {
  /** Its name in a folder. */
  name: string;
  /** Addresses, tried in this order. */
  urls: readonly string[];
  /** Its size, where known. */
  bytes?: number;
  /** Its SHA-256 in hexadecimal, where a citable source states one. */
  sha256?: string;
  /** Throws when the content is not what it should be: the check where no checksum is known. */
  check?: (bytes: Uint8Array) => Promise<void>;
}

/**
 * Downloads into `sink` and returns the verified bytes.
 *
 * @throws DataError `checksum` if some mirror answered and every answer failed the check, else `download`; the
 * message lists each mirror's failure. The signal's reason if it was aborted.
 */
export async function transfer(file: RemoteFile, sink: Sink, options: TransferOptions): Promise<Uint8Array> {
  const { attempts = 4, retryDelay = 500, signal } = options;
  const failures: string[] = [];
  let rejected: DataError | undefined;
  for (const url of file.urls) {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await delay(retryDelay * 2 ** (attempt - 1), signal);
      signal?.throwIfAborted();
      const resumed = sink.size() > 0;
      try {
        await fetchInto(url, file, sink, options);
        const bytes = await sink.read();
        await verify(bytes, file);
        return bytes;
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof SinkFailure) throw error.cause;
        failures.push(`${url}: ${reason(error)}`);
        if (error instanceof DataError) {
          // The content is wrong. If part of it came from an earlier download, that part may be to blame.
          await sink.clear();
          rejected = error;
          if (!resumed) break;
        } else if (error instanceof Refusal) {
          break;
        }
      }
    }
  }
  throw new DataError(`download failed (${[...new Set(failures)].join('; ') || 'no address to try'})`, {
    code: rejected === undefined ? 'download' : rejected.kind === 'checksum' ? 'checksum' : 'download',
    file: file.name,
    expected: rejected?.expected,
    found: rejected?.found,
    hint: 'Check the connection, or put the file into a folder and name it by dataDir or AG_DATA_DIR',
    cause: rejected,
  });
}

/** SHA-256 of the bytes in hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new DataError('SHA-256 needs a secure context', {
      code: 'unsupported',
      hint: 'Open the page by https or from localhost',
    });
  }
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A failure in a few words; what a check expected and found is said once, at the end. */
function reason(error: unknown): string {
  if (error instanceof DataError) return error.kind === 'checksum' ? 'wrong checksum' : 'wrong content';
  return error instanceof Error ? error.message : String(error);
}

/** The server will not give this file, however often it is asked. */
class Refusal extends Error {}

/** The bytes could not be kept: no other mirror helps. */
class SinkFailure extends Error {}

async function fetchInto(url: string, file: RemoteFile, sink: Sink, options: TransferOptions): Promise<void> {
  const { signal, stallTimeout = 30_000, onProgress } = options;
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(new Error(`no data for ${stallTimeout} ms`)), stallTimeout);
  };
  try {
    alive();
    if (file.bytes !== undefined && sink.size() === file.bytes) return;
    if (file.bytes !== undefined && sink.size() > file.bytes) await sink.clear();
    const offset = sink.size();
    const response = await fetch(url, {
      signal: controller.signal,
      // Without it some servers label a .gz file as an encoding, and fetch unpacks it.
      headers: { 'Accept-Encoding': 'identity', ...(offset > 0 ? { Range: `bytes=${offset}-` } : {}) },
    });
    if (response.status === 416) {
      await sink.clear();
      throw new Error('the server cannot resume (416)');
    }
    if (!response.ok) throw refusal(response);
    if (offset > 0 && !continues(response, offset)) await sink.clear();
    const announced = announcedLength(response);
    const total = file.bytes ?? (announced === undefined ? undefined : sink.size() + announced);
    const started = sink.size();
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const chunk = await reader.read();
      if (chunk.done) break;
      alive();
      await kept(() => sink.append(chunk.value));
      if (file.bytes !== undefined && sink.size() > file.bytes) {
        await reader.cancel();
        break;
      }
      onProgress?.({ file: file.name, url, received: sink.size(), total });
    }
    if (announced !== undefined && sink.size() - started < announced) {
      throw new Error(`the connection ended after ${sink.size() - started} of ${announced} bytes`);
    }
  } catch (error) {
    // Aborting makes fetch fail with the reason in some engines and with a general error in others.
    throw controller.signal.aborted ? controller.signal.reason : withCause(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

async function verify(bytes: Uint8Array, file: RemoteFile): Promise<void> {
  if (file.sha256 !== undefined) {
    const found = await sha256(bytes);
    if (found !== file.sha256) {
      throw new DataError('wrong checksum', {
        code: 'checksum',
        file: file.name,
        expected: `SHA-256 ${file.sha256}${file.bytes === undefined ? '' : ` of ${file.bytes} bytes`}`,
        found: `${found} of ${bytes.length} bytes`,
      });
    }
  }
  await file.check?.(bytes);
}

/** Statuses that may pass: timeout, too early, too many requests, and the server's own failures. */
function refusal(response: Response): Error {
  const { status } = response;
  const message = `the server answers ${status}${response.statusText ? ` ${response.statusText}` : ''}`;
  return status >= 500 || [408, 425, 429].includes(status) ? new Error(message) : new Refusal(message);
}

function continues(response: Response, offset: number): boolean {
  return (
    response.status === 206 && (response.headers.get('content-range') ?? '').startsWith(`bytes ${offset}-`)
  );
}

/** The body's length, unless an encoding makes it differ from the number of bytes that arrive. */
function announcedLength(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  return length === null || response.headers.has('content-encoding') ? undefined : Number(length);
}

/** fetch says "fetch failed" and hides the reason one level down. */
function withCause(error: unknown): unknown {
  if (error instanceof TypeError && error.cause instanceof Error) {
    return new Error(`${error.message} (${error.cause.message})`, { cause: error });
  }
  return error;
}

async function kept(append: () => Promise<void>): Promise<void> {
  try {
    await append();
  } catch (cause) {
    throw new SinkFailure('cannot keep the bytes', { cause });
  }
}

function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    if (signal?.aborted) done();
    else signal?.addEventListener('abort', done);
  });
}
