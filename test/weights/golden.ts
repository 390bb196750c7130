import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { WeightNames } from '../../contracts/initial-weights.ts';
import { decodeSafetensors, type StoredTensor } from '../../store/index.ts';
import type { FileTensor, Wanted } from '../../weights/names/match.ts';

const read = (name: string): unknown =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../golden/${name}`, import.meta.url))).toString());

/** A file of a tiny network as Python writes it, and its weights as the encoder has them; test/golden/make_weights.py made both. */
export interface Sample {
  readonly title: string;
  readonly encoder: string;
  readonly names: WeightNames;
  readonly file: Uint8Array;
  readonly wanted: ReadonlyMap<string, StoredTensor>;
}

export function samples(): Sample[] {
  const { cases } = read('weights.json.gz') as {
    readonly cases: readonly (Omit<Sample, 'file' | 'wanted'> & Readonly<Record<'file' | 'wanted', string>>)[];
  };
  return cases.map(({ file, wanted, ...rest }) => ({
    ...rest,
    file: Buffer.from(file, 'hex'),
    wanted: decodeSafetensors(Buffer.from(wanted, 'hex')).tensors,
  }));
}

/** Names and shapes of a whole network: in a file, and in the encoder. */
export interface Network extends Pick<Sample, 'title' | 'encoder' | 'names'> {
  readonly file: ReadonlyMap<string, FileTensor>;
  readonly wanted: readonly Wanted[];
}

type Named = readonly (readonly [string, readonly number[]])[];

export function networks(): Network[] {
  const { networks: all } = read('weight-names.json.gz') as {
    readonly networks: readonly (Omit<Network, 'file' | 'wanted'> & {
      readonly file: Named;
      readonly wanted?: Named;
      readonly wantedOf?: string;
    })[];
  };
  return all.map(({ file, wanted, wantedOf, ...rest }) => ({
    ...rest,
    file: new Map(file.map(([name, shape]) => [name, { name, dtype: 'F32', shape }])),
    wanted: (wanted ?? all.find(({ title }) => title === wantedOf)?.wanted ?? []).map(([name, shape]) => ({
      name,
      shape,
    })),
  }));
}
