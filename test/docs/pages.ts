import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

/** A page of the documentation, or a source. */
export interface Page {
  readonly name: string;
  readonly text: string;
}

export const pages: readonly Page[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'examples/README.md',
  'examples/emoji/README.md',
  'examples/tuxpaint/README.md',
  'docs/results/README.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((name) => ({ name, text: readFileSync(new URL(name, root), 'utf8') }));

/** What people see messages of. `contrail trainer` is the title of a process. */
export const sources: readonly Page[] = [
  'cli',
  'activities',
  'contracts',
  'datasets',
  'native',
  'own-steps',
  'report',
  'store',
  'training',
  'weights',
  'workflows',
]
  .flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  )
  .filter((name) => /\.(ts|mjs)$/.test(name))
  .map((name) => ({ name, text: readFileSync(new URL(name, root), 'utf8') }));
