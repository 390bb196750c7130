import { join } from 'node:path';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { driftParameters } from '../../contracts/kinds/drift.ts';
import { permutation } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { shareInterval } from '../../evaluation/metrics/intervals.ts';
import { openStore, type Store } from '../../store/index.ts';
import { withFolder } from '../folder.ts';
import { makePools, newClass, type Pool, type Pools, writeVectors } from './pools.ts';

export interface DriftRow {
  readonly case: string;
  readonly recent: number;
  readonly seeds: number;
  /** Share of the seeds with the verdict `drifted`, and its 95 % interval. */
  readonly drifted: number;
  readonly low: number;
  readonly high: number;
  /** What share of the seeds each reason was given at. */
  readonly unknown: number;
  readonly embeddings: number;
  readonly classes: number;
  readonly looks: number;
  readonly seconds: number;
}

const seeds = 20;
/** False alarms are rare, so they take more seeds to measure. */
const seedsUnchanged = 100;
const sizes = [50, 200, 1000];
/** Training images that the nearest is looked for among. */
const knownImages = 3000;

type Draw = (
  pools: Pools,
  size: number,
  seed: number,
) => readonly { readonly pool: Pool; readonly rows: readonly number[] }[];

const drawn = (pool: Pool, size: number, seed: number, isWanted: (row: number) => boolean = () => true): number[] =>
  Array.from(permutation(pool.rows.length, seed, 'benchmark of drift'))
    .filter(isWanted)
    .slice(0, size);

/** Fresh images, of which a share is of the new class. */
const withNew =
  (share: number): Draw =>
  ({ fresh, news }, size, seed) => {
    const others = Math.round(share * size);
    return [
      { pool: fresh, rows: drawn(fresh, size - others, seed) },
      { pool: news, rows: drawn(news, others, seed) },
    ];
  };

/** The class Sneaker takes half of the images, for a ninth. */
const otherShares: Draw = ({ fresh }, size, seed) => {
  const isSneaker = (row: number) => fresh.rows[row]?.label === 'Sneaker';
  const half = Math.round(size / 2);
  return [
    { pool: fresh, rows: drawn(fresh, half, seed, isSneaker) },
    { pool: fresh, rows: drawn(fresh, size - half, seed, (row) => !isSneaker(row)) },
  ];
};

const all =
  (of: keyof Pick<Pools, 'fresh' | 'dimmer' | 'darker'>): Draw =>
  (pools, size, seed) => [{ pool: pools[of], rows: drawn(pools[of], size, seed) }];

/** Few images, always seen as they are, are learnt by heart. */
const trainings = {
  many: { images: 10_000, epochs: 8, augmentation: 'tutorial' },
  few: { images: 1000, epochs: 60, augmentation: 'none' },
} as const;

const cases: readonly {
  readonly name: string;
  readonly draw: Draw;
  /** @default 'many' */
  readonly training?: keyof typeof trainings;
  readonly seeds?: number;
  /** Compared with training images, as if they were held out: what the step does not do. */
  readonly besideTraining?: boolean;
}[] = [
  { name: 'unchanged, trained on few', draw: all('fresh'), training: 'few' },
  { name: 'the same, beside training images', draw: all('fresh'), training: 'few', besideTraining: true },
  { name: `${newClass}, 5 %`, draw: withNew(0.05) },
  { name: `${newClass}, 20 %`, draw: withNew(0.2) },
  { name: 'darker by 30 %', draw: all('darker') },
  { name: 'darker by 10 %', draw: all('dimmer') },
  { name: 'half are sneakers', draw: otherShares },
  { name: 'unchanged', draw: all('fresh'), seeds: seedsUnchanged },
];

/** How often the step `drift` finds made changes, and how often it finds one where there is none. @param only part of the names of cases */
export async function benchDrift(only: string): Promise<DriftRow[]> {
  return withFolder(async (folder) => {
    const store = openStore(join(folder, 'store'));
    const say = (line: string) => process.stderr.write(`drift: ${line}\n`);
    const rows: DriftRow[] = [];
    for (const [training, how] of Object.entries(trainings)) {
      const chosen = cases.filter((each) => each.name.includes(only) && (each.training ?? 'many') === training);
      if (chosen.length === 0) continue;
      const pools = await makePools(store, join(folder, 'store'), how, say);
      const reference = await writeVectors(store, pools, [
        { pool: pools.train, rows: drawn(pools.train, knownImages, 0) },
        { pool: pools.validation, rows: Array.from(pools.validation.rows.keys()) },
      ]);
      const trained = await writeVectors(store, pools, trainingAsHeldOut(pools.train));
      for (const each of chosen)
        for (const size of sizes) {
          const beside = each.besideTraining ? trained : reference;
          const row = await measure(store, pools, beside, each, size);
          rows.push(row);
          say(
            `${each.name}, ${size} images: ${row.drifted} of ${row.seeds} seeds drifted, ${row.seconds.toFixed(1)} s each`,
          );
        }
    }
    return rows;
  });
}

/** Half of the training images as if they were no training images, the others as they are. */
function trainingAsHeldOut({ embeddings, rows }: Pool) {
  const pool: Pool = {
    embeddings,
    rows: rows.map((row, at) => (at % 2 === 0 ? row : { ...row, split: 'validation' as const })),
  };
  return [{ pool, rows: Array.from(rows.keys()) }];
}

async function measure(
  store: Store,
  pools: Pools,
  reference: ArtifactRef,
  { name, draw, seeds: times = seeds }: (typeof cases)[number],
  size: number,
): Promise<DriftRow> {
  const found = { drifted: 0, unknown: 0, embeddings: 0, classes: 0, looks: 0 };
  const begun = performance.now();
  for (let seed = 0; seed < times; seed++) {
    const recent = await writeVectors(store, pools, draw(pools, size, seed));
    const key = { run: 'bench', step: 'drift' };
    const context = { store, key, progress: () => {}, stopRequested: () => false };
    const result = await stepJobs.drift(
      { ...key, recent, reference, classifier: pools.classifier, parameters: driftParameters.parse({ seed }) },
      context,
    );
    if (result.drifted) found.drifted++;
    if (result.why.includes('like no known image')) found.unknown++;
    if (result.why.includes('embeddings as a whole')) found.embeddings++;
    if (result.why.includes('Classes have other shares')) found.classes++;
    if (result.why.includes('The images are')) found.looks++;
  }
  const { share, low, high } = shareInterval(found.drifted, times);
  return {
    case: name,
    recent: size,
    seeds: times,
    drifted: share,
    low,
    high,
    unknown: found.unknown / times,
    embeddings: found.embeddings / times,
    classes: found.classes / times,
    looks: found.looks / times,
    seconds: (performance.now() - begun) / 1000 / times,
  };
}
