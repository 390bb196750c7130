import { describe, expect, it } from 'vitest';
import { randomUint32 } from '../../../datasets/index.ts';
import { visitNearHashes } from '../../../evaluation/inspection/near-hashes.ts';
import { bitsBetween } from '../../../evaluation/inspection/perceptual-hash.ts';

const turn = async () => {};
/** Random hashes, and near ones: each later one is an earlier one with up to 14 bits turned. */
const hashes = new Uint32Array(2 * 600);
for (let item = 0; item < 600; item++)
  for (const word of [0, 1]) {
    const before = hashes[2 * Math.floor(item / 2) + word] as number;
    let value = item < 200 ? randomUint32(0, 'hash', item, word) : before;
    for (let bit = 0; item >= 200 && bit < item % 8; bit++)
      value ^= 1 << (randomUint32(1, 'bit', item, word, bit) % 32);
    hashes[2 * item + word] = value;
  }
const distanceOf = (a: number, b: number) =>
  bitsBetween(hashes[2 * a] as number, hashes[2 * b] as number) +
  bitsBetween(hashes[2 * a + 1] as number, hashes[2 * b + 1] as number);

async function found(distance: number): Promise<string[]> {
  const pairs: string[] = [];
  await visitNearHashes(
    hashes,
    distance,
    (item, earlier) => {
      pairs.push(`${earlier} ${item}`);
      return true;
    },
    turn,
  );
  return pairs.sort();
}

describe('near hashes', () => {
  for (const distance of [0, 3, 4, 8, 11])
    it(`finds the pairs within ${distance} bits that comparing all with all finds, each once`, async () => {
      const all: string[] = [];
      for (let item = 0; item < 600; item++)
        for (let earlier = 0; earlier < item; earlier++)
          if (distanceOf(earlier, item) <= distance) all.push(`${earlier} ${item}`);
      expect(all.length).toBeGreaterThan(40);
      expect(await found(distance)).toEqual(all.sort());
    });

  it('ends the search for an item when told so, and says for how many', async () => {
    const same = new Uint32Array(2 * 50);
    let visits = 0;
    const ended = await visitNearHashes(
      same,
      8,
      () => {
        visits++;
        return false;
      },
      turn,
    );
    // All but the first have something before them.
    expect([visits, ended]).toEqual([49, 49]);
  });

  it('refuses a distance at which bands would miss pairs', async () => {
    await expect(visitNearHashes(hashes, 12, () => true, turn)).rejects.toThrow('at most 11 bits');
  });
});
