import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const textOf = (name: string) => readFileSync(new URL(name, root), 'utf8');

/** What a person reads: the pages of docs/, README and ARCHITECTURE. */
export const pages: readonly { readonly name: string; readonly text: string }[] = [
  'README.md',
  'ARCHITECTURE.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((name) => ({ name, text: textOf(name) }));

/** The sources in these folders. */
export const sourcesIn = (folders: readonly string[]) =>
  folders.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => ({ name: `${folder}/${name}`, text: textOf(`${folder}/${name}`) })),
  );

export interface Block {
  readonly page: string;
  /** The line of its first line. */
  readonly line: number;
  readonly text: string;
}

/** The fenced blocks of a language. */
export const blocksOf = (language: string): Block[] =>
  pages.flatMap(({ name, text }) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => ({
      page: name,
      line: text.slice(0, match.index).split('\n').length + 1,
      text: match[1] ?? '',
    })),
  );
