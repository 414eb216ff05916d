/** Files are parsed again by the published formats, byte by byte, without the code that wrote them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linear } from '@ag/nn';
import { tensor } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import type { TrainingEvent } from '../events.ts';
import { collect, line } from '../testTools.ts';
import type { CallbackContext } from './callback.ts';
import { tensorBoardLogger } from './tensorBoard.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ag-tensorboard-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** CRC-32C bit by bit: the reflected polynomial 82f63b78. */
function sum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function* records(file: Buffer): Generator<Buffer> {
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(sum(file.subarray(at, at + 8)));
    const content = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(sum(content));
    yield content;
    at += 16 + length;
  }
}

/** Fields of a protocol buffer by number. */
function fields(bytes: Buffer): Map<number, (number | Buffer)[]> {
  const found = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const kind = key & 7;
    const length = kind === 1 ? 8 : kind === 5 ? 4 : kind === 2 ? varint() : 0;
    const content = bytes.subarray(at, at + length);
    at += length;
    const value =
      kind === 0
        ? varint()
        : kind === 1
          ? content.readDoubleLE()
          : kind === 5
            ? content.readFloatLE()
            : content;
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
  }
  return found;
}

describe('tensorBoardLogger', () => {
  it('writes files that an independent reader understands', async () => {
    const options = line({ learningRate: 0 });
    const callbacks = [tensorBoardLogger(scratch, { everySteps: 1, clock: () => 1.5 })];
    await collect({ ...options, validation: options.train, epochs: 150, callbacks });
    const [name] = readdirSync(scratch);
    expect(name).toMatch(/^events\.out\.tfevents\.1\./);
    const [first, ...rest] = [...records(readFileSync(join(scratch, name)))].map(fields);
    expect(String(first.get(3)![0])).toBe('brain.Event:2');
    const events = rest.map((event) => ({
      time: event.get(1)![0],
      step: event.get(2)![0],
      values: Object.fromEntries(
        (fields(event.get(5)![0] as Buffer).get(1) as Buffer[]).map((value) => [
          String(fields(value).get(1)![0]),
          fields(value).get(2)![0],
        ]),
      ),
    }));
    // Two steps, a validation and an epoch 150 times; w stays 1: the losses are 10 and 50, in all 30.
    expect(events).toHaveLength(600);
    expect(events[0]).toEqual({ time: 1.5, step: 1, values: { 'step/loss': 10, 'step/learningRate': 0 } });
    expect(events[2]).toEqual({ time: 1.5, step: 2, values: { 'validation/loss': 30 } });
    expect(events[599]).toMatchObject({ step: 300, values: { 'train/loss': 30 } });
  });

  it('writes what was measured of the gradients', async () => {
    const written: Buffer[] = [];
    const logger = tensorBoardLogger((bytes) => void written.push(Buffer.from(bytes)), { everySteps: 2 });
    await collect({ ...line({ learningRate: 0 }), gradientNorms: 2, callbacks: [logger] });
    const [, step] = written.flatMap((bytes) => [...records(bytes)]).map(fields);
    const values = (fields(step.get(5)![0] as Buffer).get(1) as Buffer[]).map(fields);
    // Step 2 has the batch {3, 4} and w = 1: its gradient is 25 · (1 − 3).
    expect(Object.fromEntries(values.map((value) => [String(value.get(1)![0]), value.get(2)![0]]))).toEqual({
      'step/loss': 50,
      'step/learningRate': 0,
      'gradient/weight': 50,
      'deadUnits/weight': 0,
    });
  });

  it('writes how parameters are distributed after each epoch', async () => {
    const written: Buffer[] = [];
    const logger = tensorBoardLogger((bytes) => void written.push(Buffer.from(bytes)), {
      everySteps: 0,
      histograms: true,
    });
    // Thirty bins of width 1: each has one number, the last both 29 and 30.
    const numbers = Array.from({ length: 31 }, (_, i) => i);
    const model = linear(31, 1, { bias: false, weightInit: () => tensor([numbers]) });
    await logger.on(
      {
        type: 'epoch',
        epoch: 1,
        step: 2,
        loss: 1,
        metrics: {},
        examplesPerSecond: 1,
      } as unknown as TrainingEvent,
      { model } as unknown as CallbackContext,
    );
    const [event] = written.flatMap((bytes) => [...records(bytes)]).map(fields);
    const values = (fields(event.get(5)![0] as Buffer).get(1) as Buffer[]).map(fields);
    const found = values.find((value) => String(value.get(1)![0]) === 'parameters/weight')!;
    const histo = fields(found.get(5)![0] as Buffer);
    expect([1, 2, 3, 4, 5].map((field) => histo.get(field)![0])).toEqual([0, 30, 31, 465, 9455]);
    const packed = (field: number) => {
      const bytes = histo.get(field)![0] as Buffer;
      return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));
    };
    expect(packed(6)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(packed(7)).toEqual([...new Array(29).fill(1), 2]);
  });
});
