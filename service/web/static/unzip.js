// The files of a ZIP whose entries are stored, not compressed: several results come as such.
// Source: APPNOTE.TXT of PKWARE, sections 4.3.12 (central directory) and 4.3.16 (its end).

const END = 0x06054b50;
const TYPES = { jpg: "image/jpeg", png: "image/png", webp: "image/webp", avif: "image/avif", gif: "image/gif" };

/**
 * @param {Blob} archive
 * @returns {Promise<{blob: Blob, name: string}[]>}
 */
export async function unzipped(archive) {
  const view = new DataView(await archive.arrayBuffer());
  const end = view.byteLength - 22; // it has no comment
  if (end < 0 || view.getUint32(end, true) !== END) throw new Error("the results are no ZIP that can be read");
  const files = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    files.push(entry(view, at, name));
    at += 46 + name + extra + comment;
  }
  return files;
}

/**
 * @param {DataView<ArrayBuffer>} view
 * @param {number} at  of its line in the directory
 * @param {number} length  of its name
 */
function entry(view, at, length) {
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, length));
  const local = view.getUint32(at + 42, true);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const data = new Uint8Array(view.buffer, start, view.getUint32(at + 20, true));
  const type = TYPES[/** @type {keyof typeof TYPES} */ (name.split(".").pop() ?? "")] ?? "";
  return { name, blob: new Blob([data], { type }) };
}
