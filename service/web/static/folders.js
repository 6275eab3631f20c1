// Folders that are dropped on a page, and what their files are called in a collection.

/** @typedef {{file: File, name: string}} Named */

/**
 * The name of a file: its path below the folder that was chosen, as a name holds no slash.
 * @param {string} path
 */
export function nameOf(path) {
  const parts = path.split("/").filter(Boolean);
  return parts.slice(parts.length > 1 ? 1 : 0).join("_");
}

/**
 * All files of what was dropped, folders with what is below them.
 * @param {DataTransfer} transfer
 * @returns {Promise<Named[]>}
 */
export async function dropped(transfer) {
  // Before the first await: the list is empty after it.
  const items = [...transfer.items].map((item) => item.webkitGetAsEntry() || item.getAsFile());
  /** @type {Named[]} */
  const found = [];
  for (const item of items) {
    if (item instanceof File) found.push({ file: item, name: item.name });
    else if (item) await collect(item, found);
  }
  return found;
}

/**
 * @param {any} entry  a FileSystemEntry
 * @param {Named[]} found
 */
async function collect(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, name: nameOf(entry.fullPath) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // It gives a hundred at a time, and none at the end.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return;
    for (const one of entries) await collect(one, found);
  }
}
