import {
  type ArtifactKind,
  type ArtifactManifest,
  type ArtifactRef,
  artifactKinds,
  type FileEntry,
  type SplitName,
} from '../../contracts/artifacts.ts';
import type { ForgottenUses } from '../../contracts/forgotten.ts';
import { knownImagesFile } from '../../contracts/known-images.ts';
import {
  artifactsIn,
  artifactsNamedBy,
  datasetAboutOf,
  listCache,
  listFolders,
  listModels,
  listsWithPictures,
  loadRejectedPictures,
  loadStepResults,
  loadVersions,
  type Store,
} from '../../store/index.ts';
import { piecesHolding } from '../earlier/pieces.ts';
import { readRowDigests } from '../row-digests.ts';
import { readRowFacts } from '../row-facts.ts';
import { artifactsOf, type KnownArtifact } from './artifacts-of.ts';
import { graphsAfterRemoval, heldByVectors, waitingEmbeddings } from './embedded.ts';
import { pagesOf } from './pages.ts';

/** A row of a data set that is the image, or an exact copy of it. */
export interface FoundRow {
  readonly split: string;
  readonly row: number;
  /** What the data set calls it; null where it keeps no names. */
  readonly name: string | null;
}

/** Where an image is in a store, and what was made with it. */
export interface FoundImage {
  /** SHA-256 of what it was read from, and of its exact copies: of the same bytes, or with the same prepared pixels. */
  readonly sources: readonly string[];
  readonly rows: ReadonlyMap<string, readonly FoundRow[]>;
  /** What embedded images and indexes call it. */
  readonly called: readonly string[];
  readonly uses: ForgottenUses;
  /** Keys of results in the cache that name what holds it. */
  readonly cached: readonly string[];
  /** Pages and pictures of runs. */
  readonly pages: readonly string[];
  /** What preparations and embeddings that were interrupted had made of it. */
  readonly pieces: readonly string[];
  /** Lists of files beside which the image is shown as rejected. */
  readonly shownRejected: readonly string[];
  /** Data sets of a version that did not keep what their images were made from: whether they hold it is not known. */
  readonly untold: readonly string[];
}

/** Files of measures that hold numbers and names; any other may hold an image, or what was computed of it. */
const holdsNumbers = (name: string) => /\.(json|csv|tsv|md)$/.test(name);

const refKey = ({ kind, digest }: ArtifactRef) => `${kind} ${digest}`;

/**
 * Finds everything in a store that holds an image or was made with it. Nothing is changed.
 *
 * Everything is read before anything is said: what is damaged or cannot be read may hold the image.
 *
 * @param wanted SHA-256 of what the image was read from
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function findImage(store: Store, wanted: readonly string[]): Promise<FoundImage> {
  const known: KnownArtifact[] = [];
  for await (const artifact of artifactsOf(store, artifactKinds)) known.push(artifact);
  const { sources, rows, untold } = await findRows(store, known, wanted);
  const bytes = new Set(sources);
  const emptied = new Map<string, { artifact: ArtifactRef; files: string[] }>();
  const trained = new Map<string, ArtifactRef>();
  const called = new Set<string>();
  for (const { ref, manifest } of known) {
    const held = isEmbedded(ref) ? await heldByVectors(store, ref, manifest, bytes) : null;
    for (const name of held?.names ?? []) called.add(name);
    const files = held
      ? held.files
      : filesHolding(ref, manifest, {
          rows,
          bytes,
          embedded: (other) => isEmbedded(other) && emptied.has(refKey(other)),
        });
    if (files.length > 0) emptied.set(refKey(ref), { artifact: ref, files: [...files] });
    if (isTrained(ref, manifest, rows)) trained.set(refKey(ref), ref);
  }
  const held = new Set(emptied.keys());
  for (const { ref, file } of await graphsAfterRemoval(store, known, (index) => held.has(refKey(index))))
    emptied.set(refKey(ref), { artifact: ref, files: [file] });
  // A classifier stands on an encoder, and an adapter on another, whatever it was itself trained on.
  for (const kind of ['encoder', 'classifier'])
    for (const { ref, manifest } of known)
      if (ref.kind === kind && artifactsIn(manifest.about).some((other) => trained.has(refKey(other))))
        trained.set(refKey(ref), ref);
  const names = (value: unknown) =>
    artifactsIn(value).some((ref) => emptied.has(refKey(ref)) || trained.has(refKey(ref)) || rows.has(ref.digest));

  const runs: { run: string; steps: string[] }[] = [];
  const showing = new Set<string>();
  const shownRejected: string[] = [];
  const unknown = new Map<string, ArtifactRef>();
  for (const run of await listFolders(store, 'runs')) {
    for (const list of await listsWithPictures(store, run))
      if ((await loadRejectedPictures(store, list)).some(({ source }) => bytes.has(source))) {
        shownRejected.push(list);
        showing.add(run);
      }
    const results = Object.entries(await loadStepResults(store, run));
    const steps = results.flatMap(([step, { result }]) => (names(result) ? [step] : []));
    if (steps.length === 0) continue;
    runs.push({ run, steps });
    for (const ref of artifactsIn(results.map(([, { result }]) => result)))
      if (ref.kind === 'files' && !emptied.has(refKey(ref))) unknown.set(refKey(ref), ref);
  }
  const models: { model: string; version: number }[] = [];
  const indexes: { model: string; version: number; isCurrent: boolean }[] = [];
  for (const model of await listModels(store)) {
    const versions = await loadVersions(store, model);
    for (const { version, encoder, classifier, index } of versions) {
      if ([encoder, classifier].some((ref) => ref !== null && trained.has(refKey(ref))))
        models.push({ model, version });
      if (index && emptied.has(refKey(index)))
        indexes.push({ model, version, isCurrent: version === versions.at(-1)?.version });
    }
  }
  const cached = await listCache(store);
  const pages: string[] = [];
  for (const { run } of runs) showing.add(run);
  for (const run of showing) for (const page of await pagesOf(store, run)) pages.push(page);
  return {
    sources,
    rows,
    untold,
    called: [...called],
    uses: {
      datasets: [...rows.keys()],
      emptied: [...emptied.values()],
      trained: [...trained.values()],
      models,
      ...(indexes.length > 0 ? { indexes } : {}),
      runs,
      unknown: [...unknown.values()],
    },
    cached: cached.filter(({ result }) => names(result)).map(({ key }) => key),
    pages,
    pieces: [...(await piecesHolding(store, bytes)), ...(await waitingEmbeddings(store, bytes))],
    shownRejected,
  };
}

/** The rows of all data sets that show the image; what they show may be in further data sets, under other bytes. */
async function findRows(
  store: Store,
  known: readonly KnownArtifact[],
  wanted: readonly string[],
): Promise<Pick<FoundImage, 'sources' | 'rows' | 'untold'>> {
  const sources = new Set(wanted);
  const pixels = new Set<string>();
  let held: { readonly ref: ArtifactRef; readonly split: SplitName; readonly found: readonly number[] }[] = [];
  const untold = new Set<string>();
  for (let before = -1; before !== sources.size + pixels.size; ) {
    before = sources.size + pixels.size;
    held = [];
    for (const { ref, manifest } of known) {
      if (ref.kind !== 'dataset') continue;
      for (const split of splitNamesOf(ref, manifest)) {
        const digests = await readRowDigests(store, ref, split);
        if (!digests) {
          untold.add(ref.digest);
          continue;
        }
        const found = digests.source.flatMap((source, row) => {
          const look = digests.pixels[row] as string;
          if (!sources.has(source) && !pixels.has(look)) return [];
          sources.add(source);
          pixels.add(look);
          return [row];
        });
        await new Promise(setImmediate);
        if (found.length > 0) held.push({ ref, split, found });
      }
    }
  }
  const rows = new Map<string, FoundRow[]>();
  for (const { ref, split, found } of held) {
    const facts = await readRowFacts(store, ref, split);
    const named = found.map((row) => ({ split, row, name: facts?.[row]?.name ?? null }));
    rows.set(ref.digest, [...(rows.get(ref.digest) ?? []), ...named]);
  }
  return { sources: [...sources], rows, untold: [...untold] };
}

const splitNamesOf = (ref: ArtifactRef, manifest: ArtifactManifest) =>
  Object.keys(datasetAboutOf(manifest, ref).splits) as SplitName[];

/** The files of an artifact that hold the image's bytes, its prepared pixels, or what was computed of it alone. */
function filesHolding(
  ref: ArtifactRef,
  manifest: ArtifactManifest,
  {
    rows,
    bytes,
    embedded,
  }: {
    readonly rows: FoundImage['rows'];
    readonly bytes: ReadonlySet<string>;
    /** Whether embeddings hold the image. */
    readonly embedded: (ref: ArtifactRef) => boolean;
  },
): string[] {
  const itself = manifest.files.filter(({ sha256 }) => bytes.has(sha256));
  if (ref.kind === 'dataset') return [...namesOf(itself), ...shardsHolding(ref, manifest, rows.get(ref.digest) ?? [])];
  if (modelKinds.includes(ref.kind)) return namesOf(itself);
  const measured = artifactsIn(manifest.about);
  const holding = measured.some((of) => of.kind !== 'dataset' && embedded(of))
    ? everyFile
    : filesOfRows(
        ref.kind,
        measured.flatMap((of) => (of.kind === 'dataset' ? (rows.get(of.digest) ?? []) : [])),
      );
  return [
    ...new Set([...namesOf(itself), ...namesOf(manifest.files).filter((path) => !holdsNumbers(path) && holding(path))]),
  ];
}

type IsHolding = (file: string) => boolean;
const everyFile: IsHolding = () => true;

/** Which files of a measure hold something of these rows: an evaluation keeps training images apart from those that it measures on. */
function filesOfRows(kind: ArtifactKind, found: readonly FoundRow[]): IsHolding {
  if (kind !== 'evaluation') return found.length > 0 ? everyFile : () => false;
  return (file) => found.some(({ split }) => (split === 'train') === (file === knownImagesFile));
}

/** Artifacts that are made of these are looked at after them, by the order of `artifactKinds`. */
const isEmbedded = ({ kind }: ArtifactRef) => kind === 'vectors' || kind === 'index';

const namesOf = (files: readonly FileEntry[]) => files.map(({ path }) => path);
/** Weights, and files of the user's own: of these only a file that is the image itself is known to hold it. */
const modelKinds: readonly string[] = ['encoder', 'classifier', 'files', 'code'];

function shardsHolding(ref: ArtifactRef, manifest: ArtifactManifest, found: readonly FoundRow[]): string[] {
  const { splits } = datasetAboutOf(manifest, ref);
  return Object.entries(splits).flatMap(([split, own]) => {
    let first = 0;
    return (own?.shards ?? []).flatMap(({ file, count }) => {
      const [from, to] = [first, first + count];
      first = to;
      return found.some((each) => each.split === split && each.row >= from && each.row < to) ? [file] : [];
    });
  });
}

/** Whether weights were learnt from the image, or chosen by it. */
function isTrained(ref: ArtifactRef, { about }: ArtifactManifest, rows: FoundImage['rows']): boolean {
  if (ref.kind !== 'encoder' && ref.kind !== 'classifier') return false;
  const datasets = artifactsNamedBy(about).filter(({ kind }) => kind === 'dataset');
  return datasets.some(({ digest }) => (rows.get(digest) ?? []).some(({ split }) => !isTest(split)));
}

const isTest = (split: string) => /test$/i.test(split);
