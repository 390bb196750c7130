import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openStore, savePlan, saveStepResult } from '../../store/index.ts';

const cli = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'contrail-graph-'));
const home = join(folder, 'home');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const contrail = (...args: string[]) =>
  spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: 'utf8',
    // Nothing listens on port 9 of this machine.
    env: { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:9', NO_COLOR: '1', CONTRAIL_HOME: home },
  });

const text =
  'name: two\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n  pretrain: { uses: pretrain, needs: [data] }\n';
writeFileSync(join(folder, 'two.yaml'), text);

describe('contrail graph', () => {
  it('draws a pipeline', () => {
    const { status, stdout } = contrail('graph', 'two.yaml');
    expect(status).toBe(0);
    expect(stdout).toBe('two\n\ndata         prepare-data\n└─ pretrain  pretrain\n');
  });

  it('writes a whole SVG, and nothing else, to a file', () => {
    expect(contrail('graph', 'two.yaml', '--format', 'svg', '--to', 'two.svg').status).toBe(0);
    expect(readFileSync(join(folder, 'two.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(readdirSync(folder).filter((name) => name.startsWith('two.svg'))).toEqual(['two.svg']);
  });

  it('draws a run from the store where no server answers', async () => {
    mkdirSync(home);
    const store = openStore(`file://${join(home, 'store')}`);
    await savePlan(store, 'two-1', parsePipeline({ text, file: 'two.yaml' }));
    await saveStepResult(store, { run: 'two-1', step: 'data' }, { fingerprint: 'x', result: {} });
    const { status, stdout, stderr } = contrail('graph', 'two-1');
    expect(stderr).toContain('The server does not answer; this is what the store knows.');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^data +prepare-data +✔ done$/m);
    expect(stdout).toMatch(/^└─ pretrain +pretrain +○ waiting$/m);
  });

  it('exits with 1 for what is neither a file nor a run, and with 2 for a file that is not there', () => {
    expect(contrail('graph', 'nothing').stderr).toContain('There is no file nothing. There is no run nothing.');
    expect(contrail('graph', 'nothing').status).toBe(1);
    expect(contrail('graph', 'nothing.yaml').status).toBe(2);
  });
});

describe('a pipeline that is a program', () => {
  const check = (name: string, program: string) => {
    writeFileSync(join(folder, name), program);
    const { status, stderr, stdout } = contrail('validate', name);
    return { status, said: stderr + stdout };
  };
  const define = fileURLToPath(new URL('../../pipelines/define.ts', import.meta.url));

  it('is taken where a YAML file is', () =>
    expect(
      check(
        'good.ts',
        `import { definePipeline } from ${JSON.stringify(define)};
export default definePipeline({ name: 'x' }, ({ step }) => {
  step('data', { uses: 'prepare-data', with: { dataset: 'generated' as const } });
});`,
      ),
    ).toEqual({ status: 0, said: 'good.ts is valid: data (prepare-data)\n' }));

  it('has its mistakes named by their path', () =>
    expect(
      check(
        'bad.mjs',
        "export default { name: 'x', steps: { data: { uses: 'prepare-data', with: { dataset: 'generated', sed: 1 } } } };",
      ),
    ).toEqual({ status: 2, said: 'error bad.mjs: steps.data.with.sed: unknown key sed; did you mean seed?\n' }));

  it('is named with the place where it cannot be parsed', () => {
    const { status, said } = check('broken.ts', 'export default {\n  name: ;\n};\n');
    expect(status).toBe(2);
    expect(said).toMatch(/^error broken\.ts:2:9: Unexpected ";"\n$/);
  });

  it('must have a default export', () => {
    const { status, said } = check('none.mjs', 'export const x = 1;');
    expect(status).toBe(2);
    expect(said).toContain('none.mjs: the file has no default export');
  });
});

it('a file that is included must not be a link out of the folder', () => {
  mkdirSync(join(folder, 'inside'));
  writeFileSync(join(folder, 'outside.yaml'), 'steps: { a: { uses: prepare-data, with: { dataset: generated } } }');
  symlinkSync(join(folder, 'outside.yaml'), join(folder, 'inside', 'link.yaml'));
  writeFileSync(join(folder, 'inside', 'main.yaml'), `include: [{ file: link.yaml, as: x }]\n${text}`);
  const { status, stderr } = contrail('validate', 'inside/main.yaml');
  expect(status).toBe(2);
  expect(stderr).toContain(
    'inside/main.yaml:1:19: inside/link.yaml cannot be included: it is a link to another folder',
  );
});
