import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { writtenKindNames } from '../../contracts/step-kinds.ts';

const cli = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'contrail-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const contrail = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: 'utf8',
    // Nothing listens on port 9 of this machine.
    env: { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:9', NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
};

describe('the contrail command', () => {
  it('says its version', () => {
    expect(contrail('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('says in a sentence which Node it needs, before one that is too old reads the rest', () => {
    const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } })";
    const args = ['--import', `data:text/javascript,${encodeURIComponent(old)}`, cli, 'list'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toBe(
      'Contrail needs Node.js 20.19, 22.12 or 24 and later. Install one of them and try again. (This is 18.20.4.)\n',
    );
    expect(status).toBe(1);
  });

  it('exits with 2 and names the command for an unknown one', () => {
    const { status, stderr } = contrail('lisst');
    expect(status).toBe(2);
    expect(stderr).toContain("unknown command 'lisst'");
  });

  it('exits with 2 and the place of a mistake in a pipeline, without a stack', () => {
    writeFileSync(join(folder, 'bad.yaml'), 'name: a\nsteps: { data: { uses: prepare } }\n');
    const { status, stderr } = contrail('validate', 'bad.yaml');
    expect(status).toBe(2);
    expect(stderr).toBe(
      `error bad.yaml:2:24: there is no kind of step "prepare"; allowed: ${writtenKindNames.join(', ')}\n`,
    );
  });

  it('validates a good pipeline and prints its plan as JSON', () => {
    const file = fileURLToPath(new URL('../../pipelines/quickstart.yaml', import.meta.url));
    const { status, stdout } = contrail('validate', file, '--set', 'epochs=3', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout).steps[1].with.epochs).toBe(3);
  });

  it('exits with 2 for a file that is not there', () => {
    const { status, stderr } = contrail('run', 'none.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('none.yaml cannot be read: There is no file or folder none.yaml');
  });

  it('exits with 1 and says how to start a server where none answers', () => {
    const { status, stderr } = contrail('list');
    expect(status).toBe(1);
    expect(stderr).toContain(
      'No Temporal server answers at 127.0.0.1:9: nothing listens there. Start one with `contrail dev`',
    );
  });

  it('exits with 2 before it asks any server where the keys of payloads are wrong, and quotes none', () => {
    for (const name of ['CONTRAIL_PAYLOAD_KEYS', 'CONTRAIL_PAYLOAD_KEY']) {
      const { status, stderr } = spawnSync(process.execPath, [cli, 'list'], {
        encoding: 'utf8',
        env: { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:9', NO_COLOR: '1', [name]: 'my-secret-key' },
      });
      expect(status).toBe(2);
      expect(stderr).toMatch(
        /^error (Entry 1 of CONTRAIL_PAYLOAD_KEYS is not id:key|There is no variable CONTRAIL_PAYLOAD_KEY,)/,
      );
      expect(stderr).not.toContain('my-secret-key');
    }
  });

  it('refuses a run id that could leave its folder', () => {
    expect(contrail('status', '../x').status).toBe(2);
  });

  it('exits with 1 for a run that the store does not know', () => {
    const { status, stderr } = contrail('resume', 'nothing');
    expect(status).toBe(1);
    expect(stderr).toContain('There is no run nothing.');
  });
});
