import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stoppingText } from '../../cli/commands/worker.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

/** What Docker, Kubernetes and systemd do to stop a worker: SIGTERM, in the middle of a training. */
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment();
}, 60_000);
afterAll(() => environment.stop(), 60_000);

const log = () => readFileSync(join(environment.home.logFolder, 'worker.out.log'), 'utf8');
const checkpoints = () => {
  const folder = join(environment.home.folder, 'store/runs/one/steps/pretrain/checkpoints');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};

it('a worker that is asked to stop has its training write a checkpoint, says so, and is gone with its trainers', async () => {
  await environment.start('one', smallPipeline({ epochs: 5000 }));
  while (checkpoints().length === 0) {
    environment.requireWorker();
    await sleep(100);
  }
  const before = checkpoints();
  await environment.upgradeWorker(new URL('../../cli/contrail.mjs', import.meta.url));
  // Of the moment at which it was stopped: within an epoch, unless that had just ended.
  expect(checkpoints().filter((name) => !before.includes(name))).not.toEqual([]);
  const said = log();
  expect(said).toContain(stoppingText(1));
  expect(said).toMatch(/Stopped after [\d.]+ s\. No trainer of this worker runs any more\./);
  expect(said).not.toMatch(/error/i);
});

it('a worker without work says that, too', () => {
  expect(stoppingText(0)).toBe('Stopping: no step is in work.');
  expect(stoppingText(3)).toMatch(/^Stopping: 3 steps in work; .* at most \d minutes\./);
});
