/**
 * Where a worker of a page keeps checkpoints, so that they outlive the page: the origin's own file system (OPFS), or IndexedDB
 * where that cannot be written to. A write that is interrupted leaves what was there before.
 */
import { codedError } from '@ag/tensor/engine';

/** Keeps the bytes of checkpoints by name. */
export interface CheckpointStore {
  /** The bytes; null where none are kept. */
  read(name: string): Promise<Uint8Array | null>;
  /** Replaces what is kept, at once or not at all. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Name of the folder, and of the data base. */
const place = 'ag-train';

/**
 * Keeps checkpoints in this browser, for the pages of this origin.
 *
 * @param by `'files'` (OPFS), `'database'` (IndexedDB); default what there is, files first
 * @throws Error `AG_UNSUPPORTED` where there is neither
 */
export function browserStore(by?: 'files' | 'database'): CheckpointStore {
  const files =
    typeof globalThis.navigator?.storage?.getDirectory === 'function' &&
    'createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {});
  if (by !== 'database' && files) return fileStore();
  if (by !== 'files' && globalThis.indexedDB) return databaseStore();
  throw codedError(
    Error,
    'AG_UNSUPPORTED',
    `browserStore: there is ${by === 'files' ? 'no file system of the origin' : by === 'database' ? 'no IndexedDB' : 'neither a file system of the origin nor IndexedDB'} here. ` +
      'Give a store of your own: { read, write, remove }',
  );
}

function fileStore(): CheckpointStore {
  const folder = async () =>
    (await navigator.storage.getDirectory()).getDirectoryHandle(place, { create: true });
  // Whatever the name says, it is one of a file.
  const fileOf = (name: string) => `${encodeURIComponent(name)}.safetensors`;
  const unlessMissing = (error: unknown): null => {
    if ((error as DOMException).name !== 'NotFoundError') throw error;
    return null;
  };
  return {
    async read(name) {
      const handle = await (await folder()).getFileHandle(fileOf(name)).catch(unlessMissing);
      return handle && new Uint8Array(await (await handle.getFile()).arrayBuffer());
    },
    async write(name, bytes) {
      const handle = await (await folder()).getFileHandle(fileOf(name), { create: true });
      // Written beside the file, which it replaces when it is closed.
      const stream = await handle.createWritable();
      await stream.write(bytes as Uint8Array<ArrayBuffer>);
      await stream.close();
    },
    async remove(name) {
      await (await folder()).removeEntry(fileOf(name)).catch(unlessMissing);
    },
  };
}

function databaseStore(): CheckpointStore {
  const answerOf = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  /** Does one thing in a transaction, and waits until it is kept. */
  const within = async <T>(
    mode: IDBTransactionMode,
    ask: (table: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const opening = indexedDB.open(place, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(place);
    const database = await answerOf(opening);
    try {
      const transaction = database.transaction(place, mode);
      const kept = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const [answer] = await Promise.all([answerOf(ask(transaction.objectStore(place))), kept]);
      return answer;
    } finally {
      database.close();
    }
  };
  return {
    read: async (name) =>
      (await within<Uint8Array | undefined>('readonly', (table) => table.get(name))) ?? null,
    write: async (name, bytes) => {
      await within('readwrite', (table) => table.put(bytes, name));
    },
    remove: (name) => within('readwrite', (table) => table.delete(name)),
  };
}
