import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../cli/main.ts';

const folder = mkdtempSync(join(tmpdir(), 'contrail-hostile-'));
const at = (...names: string[]) => join(folder, ...names);
const quickstart = fileURLToPath(new URL('../../pipelines/quickstart.yaml', import.meta.url));
const good = 'name: ok\nsteps: { data: { uses: prepare-data, with: { dataset: mnist } } }\n';

writeFileSync(at('good.yaml'), good);
writeFileSync(at('empty.yaml'), '');
writeFileSync(at('latin.yaml'), Buffer.from('name: caf\u00e9\n', 'latin1'));
writeFileSync(at('utf16.yaml'), Buffer.from(`\ufeff${good}`, 'utf16le'));
writeFileSync(at('bom.yaml'), `\ufeff${good}`);
writeFileSync(at('huge.yaml'), '');
truncateSync(at('huge.yaml'), 3e9);
mkdirSync(at('folder.yaml'));
mkdirSync(at('full'));
writeFileSync(at('full', 'a'), '');
symlinkSync(at('loop.yaml'), at('loop.yaml'));
symlinkSync(at('nowhere'), at('dead.yaml'));
execFileSync('mkfifo', [at('pipe.yaml')]);
writeFileSync(at('includes-pipe.yaml'), `${good}include: [{ file: pipe.yaml }]\n`);
writeFileSync(at('throws.ts'), 'throw new Error("by the program")');
writeFileSync(at('syntax.ts'), 'export default {');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let said = '';
beforeEach(() => {
  said = '';
  vi.stubEnv('CONTRAIL_HOME', at('home'));
  vi.stubEnv('CONTRAIL_STORE', undefined);
  // Nothing listens on port 9 of this machine.
  vi.stubEnv('TEMPORAL_ADDRESS', '127.0.0.1:9');
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += text;
      return true;
    });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs a command in this process; whatever it is given, it says a sentence. */
async function contrail(...args: string[]): Promise<{ code: number; said: string }> {
  const code = await main(args);
  expect(said).not.toContain('unforeseen');
  expect(said).not.toMatch(/\n\s+at /);
  return { code, said };
}

describe('a pipeline that cannot be read', () => {
  it.each([
    ['none.yaml', 'There is no file or folder'],
    ['dead.yaml', 'There is no file or folder'],
    ['folder.yaml', 'is a folder, not a file'],
    ['good.yaml/x.yaml', 'is not a folder, or leads through a file'],
    ['loop.yaml', 'leads back to itself'],
    [`${'n'.repeat(300)}.yaml`, 'is too long for its file system'],
    ['utf16.yaml', 'is UTF-16 text. Save it as UTF-8.'],
    ['latin.yaml', 'is not UTF-8 text'],
    ['huge.yaml', 'is larger than 1048576 bytes'],
    ['empty.yaml', 'the file is empty'],
    ['includes-pipe.yaml', 'cannot be included: it is not a file'],
    ['throws.ts', 'by the program'],
    ['syntax.ts', 'Expected identifier'],
  ])('is a sentence and exit code 2: %s', async (file, sentence) => {
    for (const command of ['validate', 'plan', 'graph', 'run']) {
      said = '';
      expect(await contrail(command, at(file))).toMatchObject({ code: 2, said: expect.stringContaining(sentence) });
    }
  });

  it('is a sentence where its name is empty, and where it never ends', async () => {
    expect((await contrail('validate', '')).said).toContain('The name of the file is empty.');
    expect((await contrail('validate', '/dev/zero')).said).toContain('is larger than');
  });

  it('is read with a byte order mark', async () => {
    expect((await contrail('validate', at('bom.yaml'))).code).toBe(0);
  });
});

describe('a value of --set', () => {
  it.each([
    ['x', 'It must be name=value.'],
    ['=1', 'It must be name=value.'],
    ['nothing=1', 'the pipeline has no param nothing'],
    ['__proto__=1', 'the pipeline has no param __proto__'],
    ['constructor=1', 'the pipeline has no param constructor'],
    ['toString=1', 'the pipeline has no param toString'],
    ['epochs={ __proto__: 1 }', 'No key may be __proto__.'],
    ['epochs=1e400', 'It must be a finite number, not Infinity.'],
    ['epochs=.nan', 'It must be a finite number, not NaN.'],
    ['epochs=9007199254740993', 'It is a whole number beyond 9007199254740991'],
    ['epochs=&a [*a]', 'no anchors (&) and aliases (*)'],
    ['epochs="\\ud800"', 'It must be Unicode text; half a character stands in it'],
    ['epochs=!!set {a}', 'without the tag'],
    ['epochs=!mine 1', 'without the tag !mine'],
    ['epochs=[', 'must be a number like its default'],
    ['epochs=-0', 'epochs must be at least 1, not 0'],
  ])('is a sentence and exit code 2: %s', async (value, sentence) => {
    expect(await contrail('validate', quickstart, '--set', value)).toMatchObject({
      code: 2,
      said: expect.stringContaining(sentence),
    });
  });
});

describe('a value of `contrail set`', () => {
  it.each([
    ['x', 'is not step.path=value'],
    ['p.seed=9007199254740993', 'p.seed: It is a whole number beyond 9007199254740991'],
    ['p.epochs=1e400', 'p.epochs: It must be a finite number, not Infinity.'],
    ['p.x=&a [*a]', 'p.x: It must be written out: no anchors (&) and aliases (*).'],
    ['p.x={ __proto__: 1 }', 'p.x: No key may be __proto__.'],
  ])('is held to the same: %s', async (change, sentence) => {
    expect(await contrail('set', 'run', change)).toMatchObject({ code: 2, said: expect.stringContaining(sentence) });
  });
});

describe('a name', () => {
  const names = ['', '.', '..', '../x', 'a/b', 'a b', 'ä', '\u001b[31m', 'a'.repeat(300), 'a'.repeat(5000), 'a\0b'];
  it.each(names)('that no run can have is refused by every command: %j', async (name) => {
    for (const command of [
      'status',
      'watch',
      'checkpoints',
      'logs',
      'report',
      'resume',
      'cancel',
      'pause',
      'unpause',
    ]) {
      said = '';
      expect((await contrail(command, name)).code, command).toBe(2);
      expect(said).toContain('must be letters, digits, dots, dashes and underscores, at most 128');
    }
  });

  it.each(['logs', 'checkpoints', 'report', 'resume', 'verify', 'tensorboard', 'graph'])(
    'of a run that is not there is a sentence and exit code 1: %s',
    async (command) => {
      expect(await contrail(command, 'none')).toMatchObject({ code: 1, said: expect.stringContaining('none') });
    },
  );

  it.each([
    [['models', 'show', '../x']],
    [['export', '--model', '', '--to', at('x')]],
    [['schedule', 'describe', '']],
    [['schedule', 'delete', '../x']],
    [['run', at('good.yaml'), '--id', '../x']],
    [['schedule', 'create', at('good.yaml'), '--every', '1h', '--id', 'a'.repeat(300)]],
  ])('of a model or schedule that cannot be is refused: %j', async (args) => {
    expect((await contrail(...args)).code).toBe(2);
  });
});

describe('a place to write to', () => {
  it.each([
    [['graph', at('good.yaml'), '--to', at('folder.yaml')], 'is a folder, not a file'],
    [['graph', at('good.yaml'), '--to', at('good.yaml', 'x')], 'leads through a file'],
    [['graph', at('good.yaml'), '--to', at('missing', 'x')], 'There is no file or folder'],
    [['graph', at('good.yaml'), '--to', at('n'.repeat(300))], 'is too long for its file system'],
    [['graph', at('good.yaml'), '--to', ''], 'has no name'],
    [['graph', at('good.yaml'), '--to', '/dev/full'], 'No space is left'],
    [['export', 'none', '--to', at('good.yaml')], 'is a file'],
    [['export', 'none', '--to', at('full')], 'is not empty'],
    [['export', 'none', '--to', ''], 'has no name'],
  ])('that cannot be is a sentence and exit code 2: %j', async (args, sentence) => {
    expect(await contrail(...args)).toMatchObject({ code: 2, said: expect.stringContaining(sentence) });
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('that is a device is written to, not replaced', async () => {
    expect((await contrail('graph', at('good.yaml'), '--to', '/dev/null')).code).toBe(0);
    expect(readFileSync('/dev/null', 'utf8')).toBe('');
  });
});

describe('a number', () => {
  it.each([
    [['list', '--limit', '-1']],
    [['list', '--limit', '0']],
    [['list', '--limit', '999999999999']],
    [['worker', '--slots', '0']],
    [['worker', '--slots', '1.5']],
    [['dev', '--port', '65536']],
    [['dev', '--ui-port', 'x']],
    [['verify', 'none', '--epoch', '0']],
    [['schedule', 'create', at('good.yaml'), '--every', '-1h']],
  ])('that cannot be is refused: %j', async (args) => {
    expect((await contrail(...args)).code).toBe(2);
  });
});

describe('a home or a store', () => {
  const commands = [
    ['cache', 'ls'],
    ['cache', 'gc'],
    ['models', 'ls'],
    ['logs', 'none'],
    ['plan', at('good.yaml')],
    ['list'],
  ];
  it.each([
    ['CONTRAIL_HOME', '', 'CONTRAIL_HOME is empty'],
    ['CONTRAIL_HOME', at('good.yaml'), 'good.yaml is a file'],
    ['CONTRAIL_HOME', at('good.yaml', 'x'), 'leads through a file'],
    ['CONTRAIL_HOME', at('loop.yaml'), 'leads back to itself'],
    ['CONTRAIL_HOME', at('n'.repeat(300)), 'is too long'],
    ['CONTRAIL_STORE', at('good.yaml'), 'good.yaml is a file'],
    ['CONTRAIL_STORE', '/dev/full', '/dev/full is a file'],
  ])('that is no folder is refused, not taken for an empty one: %s=%s', async (variable, value, sentence) => {
    vi.stubEnv(variable, value);
    for (const command of commands) {
      said = '';
      expect(await contrail(...command)).toMatchObject({ code: 2, said: expect.stringContaining(sentence) });
    }
  });
});
