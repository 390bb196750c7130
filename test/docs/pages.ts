import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

/** A page of the documentation. */
export interface Page {
  readonly name: string;
  readonly text: string;
}

export const pages: readonly Page[] = [
  'README.md',
  'ARCHITECTURE.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((name) => ({ name, text: readFileSync(new URL(name, root), 'utf8') }));
