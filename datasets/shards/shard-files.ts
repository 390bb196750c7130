import type { DatasetAbout } from '../../contracts/artifacts.ts';
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
  readonly finish: (split: string) => Promise<DatasetAbout['splits']['train']['shards']>;
  /** Of the images so far. */
  readonly channels: () => 1 | 3;
}

export const shardName = (split: string, number: number): string =>
  `${split}-${String(number).padStart(5, '0')}.safetensors`;
