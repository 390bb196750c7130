import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryStatus } from '../../cli/runs.ts';
import { loadChanges, loadEpochMetrics, loadStepResults, openCheckpoints } from '../../store/index.ts';
import { runCommand } from '../e2e/command.ts';
import { startTestEnvironment, type TestEnvironment } from '../e2e/environment.ts';
import { expectedOf, releaseNames, unpack } from './release.ts';

/**
 * A training that was cancelled on an earlier release goes on with the code at hand: real server, worker and trainers, a server that
 * has not heard of the run, and the store that the release left.
 */
const pipeline = fileURLToPath(new URL('fixtures/cancelled.yaml', import.meta.url));
const training = (run: string) => ({ run, step: 'pretrain' });

describe.each(releaseNames())('a run that was cancelled on release %s', (release) => {
  let folder: string;
  let environment: TestEnvironment;
  beforeAll(async () => {
    folder = unpack(release);
    environment = await startTestEnvironment([], pathToFileURL(join(folder, 'home', 'store')).href);
  }, 60_000);
  afterAll(async () => {
    await environment.stop();
    delete process.env.CONTRAIL_STORE;
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const contrail = async (...args: string[]) => {
    const { code, stderr } = await runCommand(environment.home, args);
    expect(code, stderr).toBe(0);
  };

  /** Where an epoch of a training began, as its workflow was told. */
  async function beginOf(run: string, epoch: number): Promise<unknown> {
    const { events } = await environment.client().client.workflow.getHandle(`${run}/pretrain`).fetchHistory();
    const results = (events ?? []).flatMap((event) => {
      const data = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0]?.data;
      const result = data
        ? (JSON.parse(Buffer.from(data).toString('utf8')) as { readonly result?: object }).result
        : undefined;
      return result && 'resumedFrom' in result && 'epoch' in result && result.epoch === epoch
        ? [result.resumedFrom]
        : [];
    });
    return results.at(-1);
  }

  /** The tensors of a state, in order, and what its metadata says besides. */
  async function layoutOf(run: string, name?: string) {
    const checkpoints = openCheckpoints(environment.store, training(run));
    const { tensors, metadata } = await checkpoints.load(name ?? (await checkpoints.names()).at(-1) ?? '');
    return {
      tensors: [...tensors.values()].map(({ name: tensor, dtype, shape }) => ({ tensor, dtype, shape })),
      metadata: Object.keys(metadata),
    };
  }

  it('goes on within its epoch, and ends as one that nothing happened to', { timeout: 400_000 }, async () => {
    const { store } = environment;
    const { newest } = await openCheckpoints(store, training('cancelled')).newestValid();
    const changes = await loadChanges(store, training('cancelled'));
    const layout = await layoutOf('cancelled', 'epoch-000001-t1');
    await contrail('resume', 'cancelled', '--accept-drift');
    const status = await queryStatus(environment.client(), 'cancelled');
    expect(status?.steps.map(({ id, state, reused }) => ({ id, state, reused }))).toEqual([
      { id: 'data', state: 'done', reused: true },
      { id: 'pretrain', state: 'done', reused: false },
    ]);
    expect(await beginOf('cancelled', 2)).toEqual({ epoch: newest?.manifest.epoch, step: newest?.manifest.step });
    expect(await loadChanges(store, training('cancelled')), 'no setting has another meaning').toEqual(changes);

    await contrail('run', pipeline, '--id', 'again', '--no-cache');
    const [resumed, again] = await Promise.all(['cancelled', 'again'].map((run) => environment.result(run)));
    const lines = await Promise.all(['cancelled', 'again'].map((run) => loadEpochMetrics(store, training(run))));
    expect(lines.map((each) => each.map(({ epoch }) => epoch))).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    // The data set is made anew: the same bytes, or the step has another version.
    const { data } = await loadStepResults(store, 'again');
    const before = (await loadStepResults(store, 'cancelled')).data;
    if (data?.fingerprint === before?.fingerprint) expect(data?.result.dataset).toEqual(before?.result.dataset);
    expect(await layoutOf('again')).toEqual(layout);
    const first = (await openCheckpoints(store, training('again')).list()).find(({ manifest }) => manifest.epoch === 1);
    const sameBits = Object.entries(expectedOf(release).checkpoints).some(
      ([place, digest]) => place.startsWith('cancelled/pretrain/epoch-000001-t') && digest === first?.manifest.digest,
    );
    // On another kind of processor, or where a later version computes otherwise on purpose, the first epoch has other bits already.
    if (sameBits) expect(resumed?.pretrain?.digest).toBe(again?.pretrain?.digest);
    expect(Number(resumed?.pretrain?.loss) / Number(again?.pretrain?.loss)).toBeCloseTo(1, 1);
    console.info(
      `Release ${release}: the same bits as a training from the start: ${sameBits ? 'asked for' : 'not to be had here'}.`,
    );
  });
});
