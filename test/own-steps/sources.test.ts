import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { codeOf, readSources, storeCode } from '../../own-steps/index.ts';
import { openStore, readArtifact } from '../../store/index.ts';
import { writeFiles } from './folder.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-sources-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A folder with these files, as that of a pipeline. */
async function beside(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(folder, 'root-'));
  await writeFiles(root, files);
  return root;
}

describe('the files of a program', () => {
  const paths = (root: string, command: string[], sources: string[]) => {
    const found = readSources(root, { command, sources });
    return 'files' in found ? found.files.map(({ path }) => path) : found;
  };

  it('are those of the patterns, and those that the command names', async () => {
    const root = await beside({
      'clean.py': '',
      'lib/a.py': '',
      'lib/deep/b.py': '',
      'lib/note.md': '',
      'lib/.hidden/c.py': '',
      'node_modules/x/d.py': '',
      'other.txt': '',
    });
    expect(paths(root, ['python3', './clean.py', '--in', 'nowhere'], [])).toEqual(['clean.py']);
    expect(paths(root, [], ['lib/**/*.py'])).toEqual(['lib/a.py', 'lib/deep/b.py']);
    expect(paths(root, [], ['**/*.py'])).toEqual(['clean.py', 'lib/a.py', 'lib/deep/b.py']);
    expect(paths(root, [], ['lib'])).toEqual(['lib/a.py', 'lib/deep/b.py', 'lib/note.md']);
    expect(paths(root, [], ['lib/?.py', 'other.txt'])).toEqual(['lib/a.py', 'other.txt']);
  });

  it('are found in no time by a pattern of many stars', { timeout: 10_000 }, async () => {
    const name = 'a'.repeat(200);
    const root = await beside({ [name]: '', [`${name}b`]: '', [`x/y/z/${name}`]: '' });
    expect(paths(root, [], [`${'*a'.repeat(100)}b`])).toEqual([`${name}b`]);
    expect(paths(root, [], [`${'**/'.repeat(300)}${'*a'.repeat(50)}`])).toEqual([name, `x/y/z/${name}`]);
  });

  it('are looked for in the folder of the pipeline alone', async () => {
    const root = await beside({ 'a/x.py': '' });
    for (const pattern of ['../x', '/etc/passwd', 'a/../../x', '..'])
      expect(paths(root, [], [pattern])).toMatchObject({ problem: expect.stringContaining('without ".."'), source: 0 });
    expect(paths(root, [], ['a', 'missing.py'])).toMatchObject({
      problem: 'there is no file like missing.py beside the pipeline',
      source: 1,
    });
    await symlink('/etc/passwd', join(root, 'a/link'));
    expect(paths(root, [], ['a'])).toMatchObject({ problem: expect.stringContaining('a link to a file outside') });
    expect(paths(root, ['cat', '/etc/passwd', '../x'], [])).toEqual([]);
  });

  it('are stored by what is in them', async () => {
    const store = openStore(join(folder, 'store'));
    const stored = async (text: string) => {
      const found = readSources(await beside({ 'a.py': text }), { command: [], sources: ['a.py'] });
      if (!('files' in found)) throw new Error(found.problem);
      const code = codeOf(found.files);
      await storeCode(store, code);
      return code.ref;
    };
    const [one, two] = [await stored('x'), await stored('y')];
    expect(one.digest).not.toBe(two.digest);
    expect(await stored('x')).toEqual(one);
    expect((await readArtifact(store, one)).files).toHaveLength(1);
  });
});
