import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Which folders a folder may import from; the direction is downward only. ARCHITECTURE.md says why. A folder that stands before
 * the one that it is in has rules of its own.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  metrics: [],
  traces: ['contracts'],
  'pipelines/language': ['contracts'],
  store: ['contracts'],
  datasets: ['contracts', 'store'],
  payloads: ['contracts'],
  weights: ['contracts', 'store'],
  training: ['contracts', 'native', 'store', 'datasets', 'weights'],
  'evaluation/metrics': ['contracts', 'datasets'],
  'evaluation/comparison': ['contracts', 'store', 'datasets', 'evaluation/metrics'],
  'evaluation/promotion': ['contracts', 'store', 'datasets', 'vectors', 'evaluation/comparison'],
  evaluation: ['contracts', 'store', 'datasets', 'training', 'vectors', 'evaluation/metrics'],
  report: ['contracts', 'pipelines/language', 'store', 'datasets', 'evaluation/metrics', 'evaluation/comparison'],
  vectors: ['contracts', 'store', 'datasets'],
  serving: [
    'contracts',
    'metrics',
    'pipelines/language',
    'store',
    'datasets',
    'vectors',
    'training',
    'evaluation/metrics',
    'evaluation',
    'home',
    'native',
  ],
  'own-steps': ['contracts', 'store', 'datasets'],
  examples: ['contracts', 'datasets'],
  deploy: ['contracts', 'metrics', 'serving', 'home', 'native', 'worker'],
  native: ['contracts'],
  home: ['contracts', 'native'],
  workflows: ['contracts', 'pipelines/language', 'activities'],
  activities: [
    'contracts',
    'traces',
    'store',
    'datasets',
    'weights',
    'training',
    'evaluation/metrics',
    'evaluation/comparison',
    'evaluation/promotion',
    'evaluation',
    'report',
    'vectors',
    'serving',
    'own-steps',
  ],
  worker: [
    'contracts',
    'traces',
    'metrics',
    'store',
    'datasets',
    'weights',
    'training',
    'evaluation',
    'vectors',
    'serving',
    'native',
    'home',
    'activities',
    'workflows',
    'payloads',
  ],
  cli: [
    'contracts',
    'traces',
    'pipelines/language',
    'store',
    'datasets',
    'weights',
    'evaluation/promotion',
    'report',
    'vectors',
    'serving',
    'own-steps',
    'native',
    'home',
    'workflows',
    'worker',
    'payloads',
  ],
};
/** The rooms of the language: each may import those before it. */
const languageRooms = ['problems', 'expressions', 'interpret', 'read', 'check', 'describe'];
const pure = ['contracts', 'pipelines/language', 'workflows'];
const knowTemporal = ['payloads', 'workflows', 'activities', 'worker', 'cli'];
const knowTensorflow = ['training'];

interface Import {
  readonly folder: string;
  readonly specifier: string;
  readonly target: string | null;
  readonly typeOnly: boolean;
}

const folderOf = (path: string) => Object.keys(mayImport).find((folder) => path.startsWith(`${folder}/`)) ?? null;

function importsOf(file: string, text = readFileSync(join(root, file), 'utf8')): Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'|import\('([^']+)'\)/gms);
  return [...statements].map(([, type, from, dynamic]) => {
    const specifier = from ?? dynamic ?? '';
    const target = specifier.startsWith('.') ? folderOf(relative(root, resolve(root, dirname(file), specifier))) : null;
    return { folder: folderOf(file) ?? '', specifier, target, typeOnly: type !== undefined };
  });
}

function violation({ folder, specifier, target, typeOnly }: Import): string | null {
  if (target && target !== folder && !(mayImport[folder] ?? []).includes(target))
    return `${folder} may not import ${target}`;
  if (folder === 'workflows' && target === 'activities' && !typeOnly)
    return 'workflows may import types of activities only';
  if (specifier.startsWith('node:') && pure.includes(folder))
    return `${folder} is pure and may not import ${specifier}`;
  if (specifier.startsWith('@temporalio/') && !knowTemporal.includes(folder)) return `${folder} may not know Temporal`;
  if (specifier.startsWith('@tensorflow/') && !knowTensorflow.includes(folder))
    return `${folder} may not know TensorFlow`;
  return null;
}

/** The first circle of files that import each other; empty where there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const circleFrom = (file: string, above: readonly string[]): readonly string[] => {
    if (above.includes(file)) return [...above.slice(above.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of imports.get(file) ?? []) {
      const circle = circleFrom(next, [...above, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of imports.keys()) {
    const circle = circleFrom(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

const files = Object.keys(mayImport).flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => `${folder}/${name}`),
);

describe('imports', () => {
  it('point downward only', () => {
    const found = files.flatMap((file) =>
      importsOf(file)
        .flatMap((each) => violation(each) ?? [])
        .map((what) => `${file}: ${what}`),
    );
    expect(files.length).toBeGreaterThan(50);
    expect(found).toEqual([]);
  });

  it('point downward from room to room of the language', () => {
    const roomOf = (path: string) => languageRooms.indexOf(/^pipelines\/language\/(\w+)\//.exec(path)?.[1] ?? '');
    const upward = files
      .filter((file) => roomOf(file) >= 0)
      .flatMap((file) =>
        importsOf(file)
          .filter(({ specifier }) => roomOf(relative(root, resolve(root, dirname(file), specifier))) > roomOf(file))
          .map(({ specifier }) => `${file} imports ${specifier}`),
      );
    expect(upward).toEqual([]);
    expect(readdirSync(join(root, 'pipelines/language'))).toEqual(expect.arrayContaining(languageRooms));
  });

  it('are caught when they point upward', () => {
    const caught = (file: string, text: string) => importsOf(file, text).map(violation);
    expect(caught('store/x.ts', "import { tf } from '../training/index.ts';")).toEqual([
      'store may not import training',
    ]);
    expect(caught('workflows/x.ts', "import { readFile } from 'node:fs';")).toEqual([
      'workflows is pure and may not import node:fs',
    ]);
    expect(caught('training/x.ts', "import { log } from '@temporalio/activity';")).toEqual([
      'training may not know Temporal',
    ]);
    expect(caught('workflows/x.ts', "import { createActivities } from '../activities/index.ts';")).toEqual([
      'workflows may import types of activities only',
    ]);
  });

  it('lead round in no circle, types included', () => {
    const importedBy = (file: string) =>
      importsOf(file).flatMap(({ specifier }) =>
        specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : [],
      );
    expect(circleIn(new Map(files.map((file) => [file, importedBy(file)])))).toEqual([]);
  });

  it('are caught when they lead round in a circle', () => {
    const graph = new Map([
      ['a.ts', ['b.ts', 'd.ts']],
      ['b.ts', ['c.ts']],
      ['c.ts', ['b.ts']],
    ]);
    expect(circleIn(graph)).toEqual(['b.ts', 'c.ts', 'b.ts']);
  });

  it('gives every client and worker of Temporal a codec, so that none reads or writes in plain text beside it', () => {
    const made = files
      .filter((file) => /^(cli|worker)\//.test(file))
      .flatMap((file) => [
        ...readFileSync(join(root, file), 'utf8').matchAll(/\bnew Client\([^)]*\)|\bWorker\.create\([^)]*\)/g),
      ])
      .map(([call]) => call);
    expect(made.length).toBeGreaterThanOrEqual(6);
    expect(made.filter((call) => !/dataConverter|\.\.\.shared/.test(call))).toEqual([]);
    expect(readFileSync(join(root, 'worker/worker.ts'), 'utf8')).toMatch(/const shared = \{[^}]*\bdataConverter,/);
  });

  it('keeps the scheduler free of Temporal, so that it can be tested without', () => {
    const specifiers = importsOf('workflows/scheduler.ts').map(({ specifier }) => specifier);
    expect(specifiers.length).toBeGreaterThan(3);
    expect(specifiers.filter((each) => !/^\.\.\/(contracts|pipelines\/language)\//.test(each))).toEqual([]);
  });

  it('keeps graph capture free of the rest, so that it can be lifted out', () => {
    const folder = 'training/capture';
    const outside = readdirSync(join(root, folder)).flatMap((name) =>
      importsOf(`${folder}/${name}`).filter(({ specifier }) => specifier.startsWith('..')),
    );
    expect(new Set(outside.map(({ specifier }) => specifier))).toEqual(new Set(['../tensorflow.ts']));
  });
});
