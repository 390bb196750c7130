import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { type Evaluation, evaluationAboutSchema, evaluationFile, evaluationSchema } from '../contracts/evaluation.ts';
import {
  type Candidate,
  type Judgement,
  type MetricName,
  type ModelVersion,
  modelVersionSchema,
  type Refusal,
  refusalSchema,
} from '../contracts/models.ts';
import { readAbout, readArtifact, readArtifactJson } from './artifacts.ts';
import { datasetAboutOf } from './dataset-about.ts';
import { digestOfJson, jsonBytes } from './digest.ts';
import { listFiles, listFolders, readJson } from './reading.ts';
import type { Store } from './store.ts';

/**
 * The models that a name stood for, one after the other: `models/<name>/versions/000001.json` and so on.
 *
 * I1. A version is written once and never changed; of several writers of one number exactly one succeeds.
 * I2. The highest version is the current one. A rollback is a new version that restores an older one's model.
 * I3. `models/<name>/current.json` is a copy of the highest version, replaced as a whole; whoever wrote it last has seen
 * that there is none higher.
 */
const folderOf = (model: string) => `models/${model}`;
const versionPath = (model: string, version: number) =>
  `${folderOf(model)}/versions/${String(version).padStart(6, '0')}.json`;
const currentPath = (model: string) => `${folderOf(model)}/current.json`;

/** The names that have a model, in order. */
export const listModels = (store: Store): Promise<readonly string[]> => listFolders(store, 'models');

/** Every version of a model, oldest first. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadVersions(store: Store, model: string): Promise<readonly ModelVersion[]> {
  const files = await listFiles(store, `${folderOf(model)}/versions`);
  const versions = await Promise.all(
    files.map(({ path }) =>
      readJson(store, path, {
        schema: modelVersionSchema,
        what: 'a version of a model',
        remedy: 'Put it right, or remove it to go back to the version before.',
      }),
    ),
  );
  return versions.filter((version) => version !== null);
}

/** The current model of a name; null where there is none. */
export const loadCurrent = async (store: Store, model: string): Promise<ModelVersion | null> =>
  (await loadVersions(store, model)).at(-1) ?? null;

/** What an evaluation says of the model that it measured. @throws ContrailError CorruptArtifact */
export async function candidateOf(
  store: Store,
  { run, step }: Pick<Candidate, 'run' | 'step'>,
  evaluation: ArtifactRef,
): Promise<Candidate> {
  const about = await readAbout(store, evaluation, evaluationAboutSchema);
  const measured = await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema);
  return {
    run,
    step,
    encoder: about.encoder,
    classifier: about.classifier,
    evaluation,
    metrics: metricsOf(measured),
    testSet: await testSetOf(store, about.dataset),
  };
}

/** The data set that an evaluation was made on. */
export const datasetOf = async (store: Store, evaluation: ArtifactRef): Promise<ArtifactRef> =>
  (await readAbout(store, evaluation, evaluationAboutSchema)).dataset;

const metricsOf = ({ top1, top5, macroF1, knn }: Evaluation): Record<MetricName, number | null> => ({
  top1,
  top5,
  macroF1,
  knn: knn[0]?.accuracy ?? null,
});

/** A digest of a data set's test images and labels: new training images leave it as it is. */
export async function testSetOf(store: Store, dataset: ArtifactRef): Promise<string> {
  const manifest = await readArtifact(store, dataset);
  const digests = datasetAboutOf(manifest, dataset).splits.test.shards.map(({ file }) => {
    const entry = manifest.files.find(({ path }) => path === file);
    if (!entry) throw new ContrailError('CorruptArtifact', `The data set ${dataset.digest} has no file ${file}.`);
    return entry.sha256;
  });
  return digestOfJson(digests);
}

/** What became of a candidate. */
export interface Promotion {
  readonly promoted: boolean;
  /** The version that is current now; null where the name has none. */
  readonly version: number | null;
  readonly reason: string;
  readonly before: number | null;
  readonly after: number | null;
  /** Test images that both were compared on; null where they were not. */
  readonly images: number | null;
  /** Test images that were left out because one of them has seen them; null where that was not asked. */
  readonly seen: number | null;
  /** The ends of the 95 % interval of the difference. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface PromotionTerms {
  readonly model: string;
  readonly metric: MetricName;
  readonly force: boolean;
  /** Compares the candidate with the current model. */
  readonly judge: (current: ModelVersion) => Promise<Judgement>;
}

/**
 * Makes a candidate the current model if it is judged better than the current one, or is the first. Two promotions at the same
 * time follow each other: the later one is compared with the model that the earlier one made current. What is not promoted
 * is recorded with the reason.
 */
export async function promoteModel(store: Store, candidate: Candidate, terms: PromotionTerms): Promise<Promotion> {
  const { model, metric, force } = terms;
  for (;;) {
    const versions = await loadVersions(store, model);
    const done = candidate.step === null ? undefined : versions.find((each) => isSameStep(each, candidate));
    if (done) {
      await pointAtHighest(store, model);
      return { ...first(candidate.metrics[metric]), promoted: true, version: done.version, reason: done.reason };
    }
    const current = versions.at(-1) ?? null;
    const judged = current ? await terms.judge(current) : null;
    const { better, reason: found, interval, ...compared } = judged ?? first(candidate.metrics[metric]);
    const reason = force && !better ? `${found}; forced` : found;
    const [low, high] = interval ?? [null, null];
    const outcome = { ...compared, reason, low, high };
    if (!better && !force) {
      const version = current?.version ?? null;
      await recordRefusal(store, candidate, { model, version, reason, before: compared.before, after: compared.after });
      return { ...outcome, promoted: false, version };
    }
    const version = (current?.version ?? 0) + 1;
    if (await addVersion(store, { ...candidate, ...named(model, version), reason }))
      return { ...outcome, promoted: true, version };
  }
}

/** A candidate that is compared with none. */
const first = (after: number | null) => ({
  better: true,
  before: null,
  after,
  reason: 'the first model of this name',
  images: null,
  seen: null,
  interval: null,
  low: null,
  high: null,
});

const refusedFolder = (model: string) => `${folderOf(model)}/refused`;

async function recordRefusal(
  store: Store,
  { run, step }: Pick<Candidate, 'run' | 'step'>,
  said: Pick<Refusal, 'model' | 'version' | 'reason' | 'before' | 'after'>,
): Promise<void> {
  const refusal: Refusal = { format: 'contrail-refusal/1', run, step, ...said, at: new Date().toISOString() };
  const path = `${refusedFolder(said.model)}/${run}/${step ?? 'by-hand'}.json`;
  await store.write(path, jsonBytes(refusalSchema.parse(refusal)));
}

/** What was not promoted under a name, and why, oldest first. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadRefusals(store: Store, model: string): Promise<readonly Refusal[]> {
  const files = await listFiles(store, refusedFolder(model));
  const refusals = await Promise.all(
    files.map(({ path }) =>
      readJson(store, path, {
        schema: refusalSchema,
        what: 'the record of a model that was not promoted',
        remedy: 'Remove it: nothing but `contrail models show` reads it.',
      }),
    ),
  );
  return refusals.filter((refusal) => refusal !== null).sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}

const isSameStep = (version: ModelVersion, { run, step }: Pick<Candidate, 'run' | 'step'>) =>
  version.run === run && version.step === step && version.restores === undefined;

const named = (model: string, version: number) =>
  ({ format: 'contrail-model/1', model, version, promotedAt: new Date().toISOString() }) as const;

/**
 * Makes the model of an older version the current one again, as a new version.
 *
 * @param to the version to go back to; without it, the one before the current
 * @throws ContrailError Usage when there is no such version
 */
export async function rollBackModel(store: Store, model: string, to?: number): Promise<ModelVersion> {
  for (;;) {
    const versions = await loadVersions(store, model);
    const current = versions.at(-1);
    if (!current) throw new ContrailError('Usage', `There is no model ${model}. \`contrail models ls\` shows them.`);
    const target = to === undefined ? previousOf(versions, current) : versions.find(({ version }) => version === to);
    if (!target || target.version === current.version)
      throw new ContrailError(
        'Usage',
        to === undefined
          ? `${model} has only ever had one model, so there is none to go back to.`
          : `${model} cannot go back to version ${to}: ${target ? 'it is the current one' : `there are 1 to ${current.version}`}.`,
      );
    const restores = target.restores ?? target.version;
    const version = {
      ...target,
      ...named(model, current.version + 1),
      step: null,
      reason: `back from version ${current.version} to version ${restores}`,
      restores,
    };
    if (await addVersion(store, version)) return version;
  }
}

/** The newest version whose model is not the current one. */
const previousOf = (versions: readonly ModelVersion[], current: ModelVersion) => {
  const origin = current.restores ?? current.version;
  return versions.findLast(({ version, restores }) => version < origin && restores === undefined);
};

async function addVersion(store: Store, version: ModelVersion): Promise<boolean> {
  const bytes = jsonBytes(modelVersionSchema.parse(version));
  const added = await store.writeExclusive(versionPath(version.model, version.version), bytes);
  if (added) await pointAtHighest(store, version.model);
  return added;
}

async function pointAtHighest(store: Store, model: string): Promise<void> {
  for (let written = -1; ; ) {
    const highest = await loadCurrent(store, model);
    if (!highest || highest.version === written) return;
    await store.write(currentPath(model), jsonBytes(highest));
    written = highest.version;
  }
}
