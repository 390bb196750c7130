import type { Split } from '../../contracts/artifacts.ts';
import type { ArtifactWriter } from '../../store/index.ts';
import type { PreparedImage } from '../prepared-image.ts';

/** Where shards are written. */
export type ShardArtifact = Pick<ArtifactWriter, 'add' | 'take'>;

/** Puts the images of each split into files, one after the other. A shard that is being filled is in memory. */
export interface ShardFiles {
  readonly add: (
    split: string,
    image: Pick<PreparedImage, 'pixels' | 'encoded' | 'channels' | 'label'>,
  ) => Promise<void>;
  /** Writes what is left of a split. @returns its files, in the order of their rows */
  readonly finish: (split: string) => Promise<Split['shards']>;
  /** Of the images so far. */
  readonly channels: () => 1 | 3;
}

/** A split of which shards are written. */
export interface Filling {
  readonly shards: { file: string; count: number }[];
}

/** How a split ends: its last shard is written, and nothing of it stays open. */
export const finishing =
  <F extends Filling>(
    open: Map<string, F>,
    flush: (split: string, filling: F) => Promise<void>,
  ): ShardFiles['finish'] =>
  async (split) => {
    const filling = open.get(split);
    if (!filling) return [];
    await flush(split, filling);
    open.delete(split);
    return filling.shards;
  };

export const shardName = (split: string, number: number): string =>
  `${split}-${String(number).padStart(5, '0')}.safetensors`;
