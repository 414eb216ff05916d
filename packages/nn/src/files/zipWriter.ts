/**
 * Writes zip archives of members that are stored as they are (PKWARE's APPNOTE 6.3). By hand, because every field of
 * what is written here is known beforehand, and zip.js, which reads archives, takes a millisecond for each member. Where
 * a number does not fit its field, the zip64 records say it (sections 4.3.14, 4.3.15 and 4.5.3).
 */

import { valueError } from '@ag/tensor/engine';
import { crc32 } from './crc32.ts';
import { hasControls } from './zip.ts';

/** A member as the records need it. */
export interface Member {
  readonly name: Uint8Array;
  readonly size: number;
  readonly checksum: number;
  /** Where its local record begins. */
  readonly offset: number;
}

const full16 = 0xffff;
const full32 = 0xffffffff;

/** An archive of these files. Equal content gives equal bytes: the date is always 1 January 1980. */
export function writeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [text, content] of files) {
    const name = nameBytes(text);
    const member = { name, size: content.length, checksum: crc32(content), offset };
    const local = localRecord(member);
    parts.push(local, content);
    directory.push(directoryRecord(member));
    offset += local.length + content.length;
  }
  const length = directory.reduce((sum, record) => sum + record.length, 0);
  return joined([...parts, ...directory, ...endRecords(files.size, length, offset)]);
}

/** What stands before a member. */
export function localRecord(member: Member): Uint8Array {
  const extra = member.size >= full32 ? zip64Extra([member.size, member.size]) : none;
  const record = new Uint8Array(30 + member.name.length + extra.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, 0x04034b50, true);
  common(view, 4, member, extra);
  record.set(member.name, 30);
  record.set(extra, 30 + member.name.length);
  return record;
}

/** What stands of a member in the directory. */
export function directoryRecord(member: Member): Uint8Array {
  const large = member.size >= full32 ? [member.size, member.size] : [];
  const far = member.offset >= full32 ? [member.offset] : [];
  const extra = large.length + far.length > 0 ? zip64Extra([...large, ...far]) : none;
  const record = new Uint8Array(46 + member.name.length + extra.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, extra.length > 0 ? 45 : 20, true);
  common(view, 6, member, extra);
  view.setUint32(42, Math.min(member.offset, full32), true);
  record.set(member.name, 46);
  record.set(extra, 46 + member.name.length);
  return record;
}

/** What ends an archive: where the directory is, in zip64 records too if its numbers need them. */
export function endRecords(count: number, length: number, offset: number): Uint8Array[] {
  const end = new Uint8Array(22);
  const view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, Math.min(count, full16), true);
  view.setUint16(10, Math.min(count, full16), true);
  view.setUint32(12, Math.min(length, full32), true);
  view.setUint32(16, Math.min(offset, full32), true);
  if (count < full16 && length < full32 && offset < full32) return [end];
  const large = new Uint8Array(56);
  const largeView = new DataView(large.buffer);
  largeView.setUint32(0, 0x06064b50, true);
  set64(largeView, 4, 44); // of this record, behind this field
  largeView.setUint16(12, 45, true);
  largeView.setUint16(14, 45, true);
  set64(largeView, 24, count);
  set64(largeView, 32, count);
  set64(largeView, 40, length);
  set64(largeView, 48, offset);
  const locator = new Uint8Array(20);
  const locatorView = new DataView(locator.buffer);
  locatorView.setUint32(0, 0x07064b50, true);
  set64(locatorView, 8, offset + length);
  locatorView.setUint32(16, 1, true);
  return [large, locator, end];
}

/** @throws RangeError for a name that would not come back */
function nameBytes(text: string): Uint8Array {
  const name = new TextEncoder().encode(text);
  if (name.length > full16)
    throw valueError(`writeZip: a name has ${name.length} bytes, zip has room for ${full16}`);
  if (hasControls(text) || new TextDecoder().decode(name) !== text)
    throw valueError(`writeZip: the name ${JSON.stringify(text)} has characters that files cannot name`);
  return name;
}

const none = /* @__PURE__ */ new Uint8Array(0);

/** The fields that both records of a member have, from the version needed to the length of the extra field. */
function common(view: DataView, at: number, member: Member, extra: Uint8Array): void {
  view.setUint16(at, extra.length > 0 ? 45 : 20, true);
  view.setUint16(at + 2, 0x800, true); // names in UTF-8
  view.setUint32(at + 6, 0x00210000, true); // 1 January 1980
  view.setUint32(at + 10, member.checksum, true);
  view.setUint32(at + 14, Math.min(member.size, full32), true);
  view.setUint32(at + 18, Math.min(member.size, full32), true);
  view.setUint16(at + 22, member.name.length, true);
  view.setUint16(at + 24, extra.length, true);
}

function zip64Extra(numbers: readonly number[]): Uint8Array {
  const extra = new Uint8Array(4 + 8 * numbers.length);
  const view = new DataView(extra.buffer);
  view.setUint16(0, 1, true);
  view.setUint16(2, 8 * numbers.length, true);
  numbers.forEach((value, i) => {
    set64(view, 4 + 8 * i, value);
  });
  return extra;
}

function set64(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value), true);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
