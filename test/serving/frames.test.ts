/** Frames between the processes of a model: whatever way the stream is cut, they arrive whole; what is no frame is refused. */
import { expect, it } from 'vitest';
import { createFrameReader, encodeFrame, type Frame } from '../../serving/process/frames.ts';

const framesOf = (pieces: readonly Uint8Array[]) => {
  const frames: Frame[] = [];
  const read = createFrameReader((frame) => void frames.push(frame));
  for (const piece of pieces) read(Buffer.from(piece));
  return frames.map(({ header, body }) => ({ header, body: [...body] }));
};

const stream = Buffer.concat([
  ...encodeFrame({ id: 1, count: 2 }, [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]),
  ...encodeFrame({ id: 2 }),
  ...encodeFrame({ name: 'é€😀' }, [new Uint8Array(1000).fill(7)]),
]);
const expected = [
  { header: { id: 1, count: 2 }, body: [1, 2, 3, 4] },
  { header: { id: 2 }, body: [] },
  { header: { name: 'é€😀' }, body: Array.from({ length: 1000 }, () => 7) },
];

it.each([1, 3, 7, 8, 9, 64, 5000])('arrive whole in pieces of %i bytes', (size) => {
  const pieces = Array.from({ length: Math.ceil(stream.length / size) }, (_, at) =>
    stream.subarray(at * size, (at + 1) * size),
  );
  expect(framesOf(pieces)).toEqual(expected);
});

it('have bodies of their own memory, at an address for floats', () => {
  const values = Float32Array.of(1.5, -2, 0.25);
  const sent = Buffer.concat(encodeFrame({ odd: 'x' }, [new Uint8Array(values.buffer)]));
  const read = createFrameReader(({ body }) => {
    expect([...new Float32Array(body.buffer, body.byteOffset, 3)]).toEqual([...values]);
  });
  read(Buffer.concat([Buffer.alloc(0), sent]));
  expect.assertions(1);
});

it('that cannot be are refused before any memory is taken for them', () => {
  const huge = Buffer.alloc(8);
  huge.writeUInt32LE(20, 0);
  huge.writeUInt32LE(0xffff_ffff, 4);
  expect(() => framesOf([huge])).toThrow(/more than a message has/);
  const noJson = Buffer.alloc(12, '{{{{');
  noJson.writeUInt32LE(4, 0);
  noJson.writeUInt32LE(0, 4);
  expect(() => framesOf([noJson])).toThrow(/no JSON/);
});
