import { describe, expect, it } from 'vitest';
import { formatOf } from '../../../datasets/folder/formats.ts';

const said = (head: Uint8Array) => {
  const format = formatOf(head);
  return format.is === 'image' ? format.format : format.what;
};

/** A Targa image of 10x9, as GIMP and ImageMagick write them: header, then pixels. */
function targa({ type, depth, map = 0, id = 0 }: { type: number; depth: number; map?: number; id?: number }): Buffer {
  const head = Buffer.alloc(18);
  head[0] = id;
  head[1] = map > 0 ? 1 : 0;
  head[2] = type;
  if (map > 0) head.writeUInt16LE(256, 5);
  head[7] = map;
  head.writeUInt16LE(10, 12);
  head.writeUInt16LE(9, 14);
  head[16] = depth;
  head[17] = 0x20;
  return Buffer.concat([head, Buffer.alloc(200, 0x80)]);
}

/** An icon of two pictures. */
function icon(type: 1 | 2): Buffer {
  const head = Buffer.alloc(6 + 2 * 16);
  head.writeUInt16LE(type, 2);
  head.writeUInt16LE(2, 4);
  head.writeUInt32LE(100, 14);
  head.writeUInt32LE(38, 18);
  return Buffer.concat([head, Buffer.alloc(200)]);
}

describe('what a file is by its first bytes', () => {
  it.each([
    ['colours', { type: 2, depth: 24 }],
    ['colours with transparency, and a comment', { type: 2, depth: 32, id: 12 }],
    ['a palette', { type: 1, depth: 8, map: 24 }],
    ['grey', { type: 3, depth: 8 }],
    ['colours, compressed', { type: 10, depth: 24 }],
    ['a palette, compressed', { type: 9, depth: 8, map: 32 }],
  ])('a Targa image with %s is one, and no icon', (_, form) => {
    expect(said(targa(form))).toBe('is a Targa image (TGA), which is not read: convert it to PNG or JPEG');
  });

  it('an icon and a cursor are icons', () => {
    for (const type of [1, 2] as const) expect(said(icon(type))).toMatch(/^is an icon \(ICO\)/);
  });

  it('zeros, and a header that does not agree with itself, are neither', () => {
    const unknown = /^is no image of a kind that is read/;
    expect(said(Buffer.alloc(300))).toMatch(unknown);
    expect(said(targa({ type: 2, depth: 25 }))).toMatch(unknown);
    expect(said(targa({ type: 4, depth: 24 }))).toMatch(unknown);
    expect(said(Buffer.of(0, 0, 1, 0, 1, 0))).toMatch(unknown);
  });
});
