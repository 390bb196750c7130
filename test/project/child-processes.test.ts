import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Those that get the whole environment, and why. */
const whole: Readonly<Record<string, string>> = {
  'native/bootstrap.mjs': 'an .npmrc may name any variable; scripts of packages do not run',
  'native/test.mjs': 'our own programs',
};

const sources = execFileSync('git', ['ls-files', '*.ts', '*.mjs'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && !/^(test|bench|examples)\//.test(path) && !(path in whole));

/** Each call that starts a process or a thread, with its arguments. */
const calls = sources.flatMap((path) => {
  const text = readFileSync(`${root}/${path}`, 'utf8');
  return [...text.matchAll(/\b(spawn|spawnSync|fork|execFile|execFileSync|new Worker|promisify\(execFile\))\(/g)].map(
    (match) => {
      let depth = 1;
      let end = match.index + match[0].length;
      for (; depth > 0 && end < text.length; end++) depth += text[end] === '(' ? 1 : text[end] === ')' ? -1 : 0;
      const line = text.slice(0, match.index).split('\n').length;
      return { place: `${path}:${line}`, text: text.slice(match.index, end) };
    },
  );
});

describe('a process or thread of ours', () => {
  it('is found in the sources', () => {
    expect(calls.length).toBeGreaterThanOrEqual(10);
  });

  it.each(calls.map(({ place, text }) => [place, text]))('at %s is told its environment', (_, text) => {
    expect(text).toMatch(/\benv\b/);
  });

  it('that is started by another name is told it too', () => {
    const named = sources.filter((path) => /= promisify\(execFile\);/.test(readFileSync(`${root}/${path}`, 'utf8')));
    for (const path of named)
      expect(readFileSync(`${root}/${path}`, 'utf8'), path).toMatch(/env: (\{ \.\.\.)?childEnvironment\(/);
  });

  it('is no bundler with keys and tokens: esbuild takes no environment of its own', () => {
    const using = sources.filter((path) => /\('esbuild'\)/.test(readFileSync(`${root}/${path}`, 'utf8')));
    expect(using).toEqual(['native/compile.mjs', 'own-steps/import-graph.ts']);
    for (const path of using) expect(readFileSync(`${root}/${path}`, 'utf8')).toMatch(/in(Plain|Child)Environment\(/);
  });
});
