import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../cli/main.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const filesOf = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const { commands } = buildProgram(() => {});

/** What a file loads as soon as it is loaded, our own files by their path. */
const loadsAtOnce = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/^(?:import|export)\s+(?!type\s)[^;]*?from\s+'([^']+)'/gms)].map(
    ([, specifier = '']) =>
      specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
  );

const isOurs = (loaded: string) => /\.(ts|mjs)$/.test(loaded);

/** All that is loaded with a file. */
function loadedWith(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  for (const each of loadsAtOnce(file)) {
    if (loaded.has(each)) continue;
    loaded.add(each);
    if (isOurs(each)) loadedWith(each, loaded);
  }
  return loaded;
}

describe('each command of the program', () => {
  it('is declared in the file of its name', () => {
    const declared = filesOf('cli/program').filter((name) => !['index.ts', 'options.ts'].includes(name));
    // A file of the name `index` is the list of all.
    const fileOf = (name: string) => (name === 'index' ? 'vector-index.ts' : `${name}.ts`);
    expect(declared.sort()).toEqual(commands.map((command) => fileOf(command.name())).sort());
  });

  it('has its work in the file of its name, one of a group in the folder of the group', () => {
    const works = commands.flatMap((command) =>
      command.commands.length === 0
        ? [`${command.name()}.ts`]
        : command.commands.map((each) => `${command.name()}/${each.name()}.ts`),
    );
    // One function with another answer.
    const shared = ['schedule/unpause.ts'];
    expect(filesOf('cli/commands').sort()).toEqual(works.filter((name) => !shared.includes(name)).sort());
  });

  it('takes nothing from the file of another', () => {
    const taken = filesOf('cli/commands').flatMap((name) =>
      loadsAtOnce(`cli/commands/${name}`).filter((each) => each.startsWith('cli/commands/')),
    );
    expect(taken).toEqual([]);
  });

  it('is loaded when it is used: until then neither the store nor a heavy package is, Temporal among them', () => {
    const loaded = [...loadedWith('cli/main.ts')];
    const ours = loaded.filter(isOurs);
    expect(ours.length).toBeGreaterThan(commands.length);
    expect(ours.filter((each) => /^(cli\/commands|store|worker|workflows|report|datasets)\//.test(each))).toEqual([]);
    const packages = loaded.filter((each) => !isOurs(each) && !each.startsWith('node:'));
    expect(packages.sort()).toEqual(['commander', 'picocolors', 'yaml', 'zod']);
  });
});
