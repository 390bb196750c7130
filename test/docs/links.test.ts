import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pages } from './pages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const textOf = (name: string) => pages.find((page) => page.name === name)?.text ?? '';
const anchorsOf = (name: string) =>
  [...textOf(name).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe('the documentation', () => {
  it('has links that lead somewhere', () => {
    const dead = pages.flatMap(({ name, text }) =>
      [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([, path = '', anchor]) => {
        const target = path === '' ? name : join(dirname(name), path);
        if (!existsSync(join(root, target))) return [`${name}: ${target}`];
        return anchor === undefined || anchorsOf(target).includes(anchor) ? [] : [`${name}: ${target}#${anchor}`];
      }),
    );
    expect(dead).toEqual([]);
  });

  it('lists every page in docs/README.md', () => {
    const linked = [...textOf('docs/README.md').matchAll(/\]\(([^)#]+)/g)].map(([, path = '']) => join('docs', path));
    const missing = pages.map(({ name }) => name).filter((name) => name.startsWith('docs/') && !linked.includes(name));
    expect(missing).toEqual(['docs/README.md']);
  });
});
