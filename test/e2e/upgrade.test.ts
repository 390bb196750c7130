import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { queryStatus } from '../../cli/runs.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

/** A worker of a later version takes over in the middle of a run, as docs/machines.md says. */
let environment: TestEnvironment;
let folder = '';
beforeAll(async () => {
  environment = await startTestEnvironment();
  folder = await mkdtemp(join(tmpdir(), 'contrail-later-'));
}, 60_000);
afterAll(async () => {
  await environment.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Folders of the project that no program loads; all others are its code. */
const others = new Set(['bench', 'deploy', 'docs', 'examples', 'node_modules', 'test']);

/** A copy of the code whose workflows also rest before each step and each epoch, where no earlier version decided otherwise. */
async function laterVersion(): Promise<URL> {
  const folders = (await readdir(root, { withFileTypes: true })).filter((each) => each.isDirectory());
  const code = folders.map(({ name }) => name).filter((name) => !name.startsWith('.') && !others.has(name));
  for (const name of [...code, 'package.json', 'package-lock.json', 'tsconfig.json'])
    await cp(join(root, name), join(folder, name), { recursive: true });
  for (const name of ['node_modules', '.native']) await symlink(await realpath(join(root, name)), join(folder, name));
  await mkdir(join(folder, 'workflows'), { recursive: true });
  const change = async (file: string, place: string) => {
    const path = join(folder, 'workflows', file);
    const text = await readFile(path, 'utf8');
    expect(text.split(place)).toHaveLength(2);
    await writeFile(
      path,
      `import { patched as isLater, sleep as rest } from '@temporalio/workflow';\n${text.replace(place, `if (isLater('rests')) await rest('10ms');\n${place}`)}`,
    );
  };
  await change('pipeline.ts', 'state.resolved.set(id, resolved.parameters);');
  await change('training.ts', 'const past = pastOf(input, course);');
  return pathToFileURL(join(folder, 'cli', 'contrail.mjs'));
}

/** What the history of a workflow says in order: `epoch-3` for an activity, `rest` for a timer, `patch` for a decision of the later version. */
async function decisions(workflow: string): Promise<string[]> {
  const { events } = await environment.client().client.workflow.getHandle(workflow).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const activity = event.activityTaskScheduledEventAttributes?.activityId;
    const marker = event.markerRecordedEventAttributes;
    const isRests = Buffer.from(marker?.details?.['patch-data']?.payloads?.[0]?.data ?? []).includes('rests');
    return [activity ?? [], isRests ? 'patch' : [], event.timerStartedEventAttributes ? 'rest' : []].flat();
  });
}

it('a run that one version of the code began ends right on a later one', { timeout: 300_000 }, async () => {
  const text = smallPipeline({ epochs: 10 });
  await environment.start('upgraded', text);
  const later = await laterVersion();
  for (;;) {
    const status = await queryStatus(environment.client(), 'upgraded');
    if ((status?.steps.find(({ id }) => id === 'pretrain')?.epoch ?? 0) >= 1) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await environment.upgradeWorker(later);
  const upgraded = await environment.result('upgraded');

  const training = await decisions('upgraded/pretrain');
  const [patch, last] = [training.indexOf('patch'), training.indexOf('epoch-10')];
  expect(training.indexOf('epoch-1')).toBeLessThan(patch);
  expect(patch).toBeLessThan(last);
  expect(training[last - 1]).toBe('rest');
  expect(await decisions('upgraded')).toContain('patch');

  await environment.start('undisturbed', text, false, { useCache: false });
  const undisturbed = await environment.result('undisturbed');
  expect(upgraded.pretrain?.digest).toBe(undisturbed.pretrain?.digest);
  expect(upgraded.evaluate?.top1).toBe(undisturbed.evaluate?.top1);
});
