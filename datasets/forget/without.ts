import { ContrailError } from '../../contracts/errors.ts';
import { digestAt } from '../row-digests.ts';
import type { SetWriter } from '../set-writer.ts';
import { eachSplit, type RawDataset, type RawSplit } from '../source.ts';
import type { ForgottenImages } from './images.ts';

/** Takes rows that a step of the user's own wrote, and refuses one that was forgotten: the step has to leave it out. */
export const refusingForgotten =
  (add: SetWriter['add'], forgotten: ForgottenImages): SetWriter['add'] =>
  async (split, image) => {
    const reason = forgotten(image.digests.source);
    if (reason !== null)
      throw new ContrailError(
        'InvalidDataset',
        `${image.facts?.name ?? image.name} (SHA-256 ${Buffer.from(image.digests.source).toString('hex')}) ${reason}: leave it out.`,
      );
    await add(split, image);
  };

/** A source of images without those that were forgotten: they are rejected, and not even read. */
export function withoutForgotten(source: RawDataset, forgotten: ForgottenImages): RawDataset {
  const without = (split: RawSplit): RawSplit => ({
    ...split,
    read: async (row) => {
      const reason = forgotten(digestAt(split.digests, row));
      return reason === null ? split.read(row) : { rejected: reason };
    },
  });
  return { ...source, ...eachSplit(source, without) };
}
