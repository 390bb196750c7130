import type { Split } from '../contracts/artifacts.ts';
import { encodeSafetensors } from '../store/index.ts';
import type { Form } from './form.ts';
import type { PreparedImage } from './prepared-image.ts';
import { digestBytes } from './row-digests.ts';
import { linesOfFacts, type RowFacts } from './row-facts.ts';
import { createEncodedShards } from './shards/encoded.ts';
import { createRawShards } from './shards/raw.ts';
import type { ShardArtifact, ShardFiles } from './shards/shard-files.ts';

/**
 * Writes the splits of a data set in files of a limited size. Rows of several splits may come in any order, one at a time.
 *
 * Owns: what the rows of each split are besides their images. The shards that are being filled belong to `ShardFiles`.
 */
export interface ShardWriter {
  readonly add: (split: string, image: PreparedImage) => Promise<void>;
  /** Writes what is left of a split. @returns what there is to say about it */
  readonly finish: (split: string) => Promise<Split>;
  /** Of the images so far. */
  readonly channels: () => 1 | 3;
}

/** The rows of a split so far. */
interface Rows {
  readonly perClass: number[];
  readonly digests: PreparedImage['digests'][];
  readonly facts: (RowFacts | null)[];
}

/** @param shardBytes the most bytes of images in one file; one image at least is in each */
export function createShardWriter(
  artifact: ShardArtifact,
  {
    classes,
    form,
    shardBytes,
  }: {
    readonly classes: number;
    readonly form: Pick<Form, 'side' | 'encoding'>;
    readonly shardBytes?: number | undefined;
  },
): ShardWriter {
  const files: ShardFiles = form.encoding
    ? createEncodedShards(artifact, shardBytes)
    : createRawShards(artifact, { side: form.side, shardBytes });
  const splits = new Map<string, Rows>();
  const rowsOf = (split: string): Rows => {
    const known = splits.get(split);
    if (known) return known;
    const rows = { perClass: new Array<number>(classes).fill(0), digests: [], facts: [] };
    splits.set(split, rows);
    return rows;
  };

  const add: ShardWriter['add'] = async (split, image) => {
    const { perClass, digests, facts } = rowsOf(split);
    digests.push(image.digests);
    facts.push(image.facts);
    perClass[image.label] = (perClass[image.label] ?? 0) + 1;
    await files.add(split, image);
  };

  const finish: ShardWriter['finish'] = async (split) => {
    const { perClass, digests, facts } = rowsOf(split);
    splits.delete(split);
    const shards = await files.finish(split);
    const count = digests.length;
    if (count === 0) return { shards, count, perClass };
    const tensor = (which: 'source' | 'pixels') => ({
      name: which,
      dtype: 'U8' as const,
      shape: [count, digestBytes],
      data: Buffer.concat(digests.map((each) => each[which])),
    });
    const digestsFile = `${split}-digests.safetensors`;
    await artifact.add(digestsFile, encodeSafetensors([tensor('source'), tensor('pixels')]));
    const named = facts.filter((each) => each !== null);
    if (named.length < count) return { shards, count, perClass, digests: digestsFile };
    const rows = `${split}-rows.jsonl`;
    await artifact.add(rows, linesOfFacts(named));
    return { shards, count, perClass, digests: digestsFile, rows };
  };

  return { add, finish, channels: files.channels };
}
