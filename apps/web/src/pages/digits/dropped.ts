/**
 * The files in what was dropped on the page, folders gone through.
 */

/** Asks for entries at once: the browser forgets them when the event is over. */
export function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return entries.length > 0 ? filesUnder(entries) : Promise.resolve([...transfer.files]);
}

async function filesUnder(entries: readonly FileSystemEntry[]): Promise<File[]> {
  const found: File[] = [];
  for (const entry of entries) {
    if (entry.isFile) {
      found.push(await new Promise<File>((take, fail) => (entry as FileSystemFileEntry).file(take, fail)));
    } else {
      const reader = (entry as FileSystemDirectoryEntry).createReader();
      // A reader gives its entries in portions, an empty one at the end.
      for (;;) {
        const portion = await new Promise<FileSystemEntry[]>((take, fail) => reader.readEntries(take, fail));
        if (portion.length === 0) break;
        found.push(...(await filesUnder(portion)));
      }
    }
  }
  return found;
}
