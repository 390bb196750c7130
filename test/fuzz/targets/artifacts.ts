import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactKind, ArtifactRef } from '../../../contracts/artifacts.ts';
import type { Store } from '../../../store/index.ts';
import {
  beheaded,
  behindHead,
  bytesOfText,
  type Form,
  headed,
  type OpenTarget,
  type Target,
} from '../engine/target.ts';

/** An artifact as it lies in a store. */
interface Whole {
  readonly kind: ArtifactKind;
  readonly about: object;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

const aboutHead = 'about.json';

/** What its manifest says, by the form that each file has. */
export const artifactRegion = behindHead(
  (name): Form => (name.endsWith('.jsonl') ? 'json-lines' : name.endsWith('.json') ? 'json' : 'bytes'),
);

async function wholeOf(store: Store, ref: ArtifactRef): Promise<Whole> {
  const { readArtifact, readArtifactFile } = await import('../../../store/index.ts');
  const { about, files } = await readArtifact(store, ref);
  const contents = await Promise.all(
    files.map(async ({ path }) => [path, await readArtifactFile(store, ref, path)] as const),
  );
  return { kind: ref.kind, about: about as object, files: Object.fromEntries(contents) };
}

/**
 * Reads artifacts of which one file, or what the manifest says of the whole, is another one. The digests are made right again, as by
 * somebody who wrote the artifact so: what lies behind them must bear it.
 */
async function changedArtifacts(
  store: Store,
  refs: readonly ArtifactRef[],
  read: (ref: ArtifactRef) => Promise<string>,
  isChanged: (file: string) => boolean = () => true,
): Promise<OpenTarget> {
  const { artifactFolder, digestOf, manifestOf, parseJson } = await import('../../../store/index.ts');
  const wholes = await Promise.all(refs.map((ref) => wholeOf(store, ref)));
  const heads = wholes.flatMap(({ files }, at) =>
    [aboutHead, ...Object.keys(files).filter(isChanged)].map((name) => `${at}/${name}`),
  );
  const contentOf = (head: string): Uint8Array => {
    const [at = '', name = ''] = head.split('/');
    const whole = wholes[Number(at)] as Whole;
    return name === aboutHead ? bytesOfText(JSON.stringify(whole.about)) : (whole.files[name] as Uint8Array);
  };
  return {
    seeds: heads.map((head) => headed(head, contentOf(head))),
    run: async (input) => {
      const { head, body } = beheaded(input, heads);
      const [at = '', name = ''] = head.split('/');
      const { kind, about, files } = wholes[Number(at)] as Whole;
      const own = name === aboutHead ? files : { ...files, [name]: body };
      let said = about;
      if (name === aboutHead)
        try {
          said = parseJson(body) as object;
        } catch {
          return 'no JSON';
        }
      if (typeof said !== 'object' || said === null || Array.isArray(said)) return 'no mapping';
      const entries = Object.entries(own).map(([path, content]) => ({ path, ...digestOf(content) }));
      const { manifest, ref } = manifestOf(kind, said, entries);
      // As the store's own writer puts them, without waiting for the disk.
      const within = store.locate(artifactFolder(ref));
      await mkdir(within, { recursive: true });
      try {
        for (const [path, content] of [...Object.entries(own), ['manifest.json', manifest] as const])
          await writeFile(join(within, path), content);
        return await read(ref);
      } finally {
        await rm(within, { recursive: true, force: true });
      }
    },
  };
}

/** Manifests of artifacts, as they lie in a store. */
export const manifests: Target = {
  name: 'manifests',
  reads: 'manifests of artifacts of every kind',
  form: 'json',
  region: behindHead(() => 'json'),
  tokens: [
    '"format":',
    '"kind":',
    '"about":',
    '"files":',
    '"sha256":',
    '"bytes":',
    '"splits":',
    '"shards":',
    'contrail-artifact/1',
  ],
  open: async ({ folder }) => {
    const {
      artifactFolder,
      artifactsNamedBy,
      datasetAboutOf,
      digestOf,
      holdArtifacts,
      openStore,
      readAbout,
      readArtifact,
    } = await import('../../../store/index.ts');
    const { memoryStore } = await import('../../memory-store.ts');
    const { artifactKindSchema } = await import('../../../contracts/artifacts.ts');
    const { encoderAboutSchema } = await import('../../../contracts/encoder.ts');
    const { classifierAboutSchema, evaluationAboutSchema } = await import('../../../contracts/evaluation.ts');
    const { indexAboutSchema } = await import('../../../contracts/vector-index.ts');
    const { vectorsAboutSchema } = await import('../../../contracts/vectors.ts');
    const schemas = {
      encoder: encoderAboutSchema,
      classifier: classifierAboutSchema,
      evaluation: evaluationAboutSchema,
      index: indexAboutSchema,
      vectors: vectorsAboutSchema,
    };
    const store = openStore(folder);
    const made = await smallArtifacts(store, folder);
    const kinds = artifactKindSchema.options;
    const seeds = await Promise.all(
      made.map(async (ref) => headed(ref.kind, await store.read(`${artifactFolder(ref)}/manifest.json`))),
    );
    return {
      seeds,
      run: async (input) => {
        const { head: kind, body } = beheaded(input, kinds);
        const ref = { kind, digest: digestOf(body).sha256 };
        const own = memoryStore([[`${artifactFolder(ref)}/manifest.json`, body]]);
        const manifest = await readArtifact(own, ref);
        const named = artifactsNamedBy(manifest.about).length;
        const lacking = await holdArtifacts(own, [ref]);
        if (kind === 'dataset')
          return `${datasetAboutOf(manifest, ref).classes.length} classes, ${named}, ${lacking.length}`;
        const schema = kind in schemas ? schemas[kind as keyof typeof schemas] : null;
        if (!schema) return `${kind}, ${named} named, ${lacking.length} lacking`;
        await readAbout<unknown>(own, ref, schema);
        return `${kind} as it should be, ${named} named`;
      },
    };
  },
};

/** Data sets: what a training reads of their splits. */
export const datasets: Target = {
  name: 'datasets',
  reads: 'data sets as a store holds them: shards of pixels and of files, rows, labels',
  form: 'bytes',
  region: artifactRegion,
  tokens: ['images', 'labels', 'ends', '"U8"', '"I32"', '"shape":', '"name":'],
  open: async ({ folder }) => {
    const { openStore } = await import('../../../store/index.ts');
    const { loadSplit, openSplit } = await import('../../../datasets/index.ts');
    const { readRowFacts } = await import('../../../datasets/row-facts.ts');
    const store = openStore(folder);
    const refs = (await smallArtifacts(store, folder)).filter(({ kind }) => kind === 'dataset');
    const imagesOf = async (ref: ArtifactRef) => {
      const train = await openSplit(store, ref, 'train', () => {}, { as: 'stored' });
      try {
        const rows = Int32Array.from({ length: train.count }, (_, row) => row);
        if (!train.readFiles) return `${(await loadSplit(store, ref, 'train')).images.length} bytes`;
        // Threads decode them, and tell which of them they cannot; see the target `images`.
        const files = await train.readFiles(rows);
        return `${files.length} files`;
      } finally {
        await train.close();
      }
    };
    return changedArtifacts(store, refs, async (ref) => {
      const read = await imagesOf(ref);
      const facts = await readRowFacts(store, ref, 'train');
      const split = await openSplit(store, ref, 'test');
      try {
        const labels = await split.labels();
        return `${read}, ${facts?.length} facts, ${labels.length} labels`;
      } finally {
        await split.close();
      }
    });
  },
};

/** Embeddings and indexes of them: what a search reads. The graph of an index is read by native code, and only if its digest is right. */
export const vectors: Target = {
  name: 'vectors',
  reads: 'embeddings and indexes as a store holds them: shards, rows, pictures, keys',
  form: 'bytes',
  region: artifactRegion,
  tokens: [
    'embeddings',
    'images',
    'ends',
    'keys',
    '"F32"',
    '"I32"',
    '"shape":',
    '"source":',
    '"name":',
    '"count":',
    '"dimension":',
  ],
  open: async ({ folder }) => {
    const { openStore, readAbout } = await import('../../../store/index.ts');
    const { indexAboutSchema } = await import('../../../contracts/vector-index.ts');
    const { vectorsAboutSchema } = await import('../../../contracts/vectors.ts');
    const { openSearcher } = await import('../../../vectors/search/open-searcher.ts');
    const { artifactParts } = await import('../../../vectors/artifact-parts.ts');
    const { eachRow, parsedRow, pictureEnds, readPictures, readVectors, rowEnds } = await import(
      '../../../vectors/shards.ts'
    );
    const { shardPlaces } = await import('../../../vectors/shard-places.ts');
    const store = openStore(folder);
    const refs = (await smallArtifacts(store, folder)).filter(({ kind }) => kind === 'index' || kind === 'vectors');
    const read = async (ref: ArtifactRef) => {
      const schema = ref.kind === 'index' ? indexAboutSchema : vectorsAboutSchema;
      const about = await readAbout<{
        shards: typeof vectorsAboutSchema._output.shards;
        dimension: number;
        count: number;
      }>(store, ref, schema);
      const { shards, dimension } = about;
      const placeOf = shardPlaces(shards, 'the index');
      let rows = 0;
      for await (const { at } of eachRow(store, { ref, shards })) rows = at + 1;
      for (const shard of shards) {
        await readVectors(store, ref, shard, dimension);
        await readPictures(store, ref, shard);
        const last = shard.count - 1;
        const line = await artifactParts(store, ref, shard.rows, (bytes) => ({ start: 0, ends: rowEnds(bytes) })).part(
          last,
        );
        parsedRow(Buffer.from(line ?? []).toString('utf8'), 'row');
        if (shard.pictures !== undefined) await artifactParts(store, ref, shard.pictures, pictureEnds).part(last);
      }
      const place = placeOf(0);
      if (ref.kind === 'vectors') return `${rows} rows of ${dimension}, ${place.shard}`;
      const search = await openSearcher(store, ref, await readAbout(store, ref, indexAboutSchema));
      const { counts } = search(new Float32Array(dimension).fill(1 / Math.sqrt(dimension)), 3);
      return `${rows} rows of ${dimension}, ${counts[0]} found`;
    };
    // A graph of other bytes whose digest is right would be read by native code: only who may write to the store can make one.
    return changedArtifacts(store, refs, read, (file) => !file.endsWith('.usearch'));
  },
};

/** Small artifacts that the real writers made. */
async function smallArtifacts(store: Store, folder: string): Promise<readonly ArtifactRef[]> {
  const { writeArtifact, digestOf } = await import('../../../store/index.ts');
  const { prepareDataset } = await import('../../../datasets/index.ts');
  const { prepareDataParameters } = await import('../../../contracts/kinds/prepare-data.ts');
  const { shardFiles, buildIndex } = await import('../../../vectors/index.ts');
  const { default: sharp } = await import('sharp');
  const pictures = join(folder, 'pictures');
  for (const [at, label] of ['coat', 'shirt'].entries()) {
    await mkdir(join(pictures, label), { recursive: true });
    for (let number = 0; number < 6; number++) {
      const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, byte) => (byte * (at + 3) + 31 * number) & 255);
      await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
        .png()
        .toFile(join(pictures, label, `${number}.png`));
    }
  }
  await writeFile(join(pictures, 'notes.txt'), 'notes');
  const prepare = async (given: object) =>
    (await prepareDataset(store, prepareDataParameters.parse(given), { cacheFolder: join(folder, 'cache') })).ref;
  const raw = await prepare({ dataset: 'image-folder', path: pictures, size: 16, validation: 0.2, test: 0.3 });
  const encoded = await prepare({
    ...{ dataset: 'image-folder', path: pictures, size: 16, validation: 0.2, test: 0.3 },
    encoding: { format: 'jpeg', quality: 80, margin: 1 },
  });
  const encoder = { kind: 'encoder' as const, digest: 'b'.repeat(64) };
  const dimension = 4;
  const part = (number: number, count: number) => {
    const rows = Array.from({ length: count }, (_, row) => ({
      name: `train/${number}-${row}.png`,
      source: digestOf(Buffer.from(`${number} ${row}`)).sha256,
      label: row % 2 === 0 ? 'coat' : 'shirt',
      ...{ brightness: 0.5, contrast: 0.25, saturation: 0.125 },
    }));
    const embeddings = Float32Array.from({ length: count * dimension }, (_, at) => Math.sin(at * (number + 2)) + 0.1);
    return shardFiles(number, { embeddings, rows, pictures: rows.map(({ name }) => Buffer.from(name)) });
  };
  const parts = [part(0, 5), part(1, 3)];
  const vectors = await writeArtifact(store, {
    kind: 'vectors',
    about: {
      ...{ encoder, dimension, count: 8, of: { dataset: raw, splits: ['train'] }, rejected: { count: 0 } },
      shards: parts.map(({ shard }) => shard),
    },
    files: parts.flatMap(({ files }) => files),
  });
  const exact = await buildIndex(store, vectors);
  const approximate = await buildIndex(store, vectors, {
    method: 'approximate',
    quantization: 'i8',
    minimumRecall: 0.5,
  });
  return [raw, encoded, vectors, exact.index, approximate.index];
}
