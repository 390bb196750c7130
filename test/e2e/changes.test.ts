import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryStatus } from '../../cli/runs.ts';
import {
  acquireLease,
  float32,
  loadChanges,
  loadEpochMetrics,
  loadRunRecord,
  loadStepResult,
  openCheckpoints,
} from '../../store/index.ts';
import { pauseUpdate } from '../../workflows/messages.ts';
import { runCommand, runForJson } from './command.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';
import { recordHistory } from './record-history.ts';

/** Trainings that a person changes, goes on with, forks and checks, on the real server. */
let environment: TestEnvironment;
let file = '';
beforeAll(async () => {
  environment = await startTestEnvironment();
  file = join(environment.home.folder, 'tiny.yaml');
  await writeFile(file, tiny());
}, 60_000);
afterAll(() => environment.stop(), 60_000);

const tiny = (more = '') => `
name: tiny
params: { epochs: 2, learningRate: 0.01, channels: 4, seed: 1 }
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 2, images: 160 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: "\${params.channels}", blocks: [1] }
      projection: { hidden: 8, output: 4 }
      augmentation: { flip: 0.5, rotation: 0, zoom: 0 }
      optimizer: { name: adam, learningRate: "\${params.learningRate}" }
      batch: 32
      epochs: "\${params.epochs}"
      seed: "\${params.seed}"
      checkpoint: { keep: { last: 50 } }
      ${more}
`;

const contrail = (...args: string[]) => runCommand(environment.home, args);
const key = (run: string) => ({ run, step: 'pretrain' });
const run = async (id: string, ...args: string[]) => {
  const { code, stderr } = await contrail('run', file, '--id', id, ...args);
  expect(code, stderr).toBe(0);
};
const manifests = async (id: string) =>
  (await openCheckpoints(environment.store, key(id)).list()).map(({ manifest }) => manifest);
const digestAt = async (id: string, epoch: number) =>
  (await manifests(id)).findLast((manifest) => manifest.epoch === epoch && manifest.step === 0)?.digest;
const result = async (id: string) => (await loadStepResult(environment.store, key(id)))?.result;
const activities = async (workflow: string) => {
  const { events } = await environment.client().client.workflow.getHandle(workflow).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityId ?? []);
};
const untilEpoch = async (id: string, epoch: number) => {
  for (;;) {
    const step = (await queryStatus(environment.client(), id))?.steps.find((each) => each.id === 'pretrain');
    if ((step?.epoch ?? 0) >= epoch) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
const stateOf = async (id: string) =>
  (await queryStatus(environment.client(), id))?.steps.find((each) => each.id === 'pretrain')?.state;

describe('a run that completed', () => {
  it('goes on to more epochs, with the bits of one that was as long from the start', { timeout: 400_000 }, async () => {
    await run('short', '--set', 'epochs=2');
    expect((await loadRunRecord(environment.store, 'short'))?.environment).toMatchObject({
      code: expect.stringMatching(/^[0-9a-f]{64}$/),
      tfjs: expect.stringMatching(/^\d/),
    });
    const { code, stderr } = await contrail('resume', 'short', '--set', 'epochs=4');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/pretrain\.epochs +2 +4 +pretrain goes on from epoch 2/);
    expect(await activities('short/pretrain')).toContain('epoch-3');
    expect(await activities('short/pretrain')).not.toContain('epoch-2');
    await run('long', '--set', 'epochs=4', '--no-cache');
    expect(await activities('long/pretrain')).toContain('epoch-1');
    expect((await result('short'))?.digest).toBe((await result('long'))?.digest);
  });

  it('does not train again what it has', { timeout: 300_000 }, async () => {
    const { code, stderr } = await contrail('resume', 'short', '--set', 'epochs=4');
    expect(code, stderr).toBe(0);
    const steps = (await queryStatus(environment.client(), 'short'))?.steps;
    expect(steps?.map(({ id, reused }) => [id, reused])).toEqual([
      ['data', true],
      ['pretrain', true],
    ]);
  });
});

describe('a resume after a change', () => {
  it('shows what the change makes invalid, and wants consent', { timeout: 180_000 }, async () => {
    const { code, stderr } = await contrail('resume', 'short', '--set', 'learningRate=0.005');
    expect(code).toBe(2);
    expect(stderr).toMatch(/pretrain\.optimizer\.learningRate +0\.01 +0\.005 +holds from epoch 5 of pretrain on/);
    expect(stderr).toContain('--accept-drift');
  });

  it('refuses what would be another network', { timeout: 180_000 }, async () => {
    const { code, stderr } = await contrail('resume', 'short', '--set', 'channels=8', '--accept-drift');
    expect(code).toBe(2);
    expect(stderr).toContain('pretrain.encoder.channels cannot change under a training that has checkpoints');
  });

  it('sees that the code is not what it was', { timeout: 180_000 }, async () => {
    const record = await loadRunRecord(environment.store, 'long');
    const old = { ...record, environment: { ...record?.environment, code: '0'.repeat(64) } };
    await environment.store.write('runs/long/run.json', new TextEncoder().encode(JSON.stringify(old)));
    const { code, stderr } = await contrail('resume', 'long', '--set', 'epochs=5');
    expect(code).toBe(2);
    expect(stderr).toMatch(/code +000000000000… +[0-9a-f]{12}… +made with the old: pretrain to epoch 4, data/);
  });

  it('goes on with the new value from the next epoch, and keeps the epochs before it', {
    timeout: 300_000,
  }, async () => {
    const before = await digestAt('short', 4);
    const set = ['--set', 'epochs=5', '--set', 'learningRate=0.005'];
    const { code, stderr } = await contrail('resume', 'short', ...set, '--accept-drift');
    expect(code, stderr).toBe(0);
    expect(await digestAt('short', 4)).toBe(before);
    const rates = (await manifests('short')).map(({ epoch, metrics }) => [epoch, metrics?.learningRate]);
    expect(rates.slice(-2)).toEqual([
      [4, 0.01],
      [5, 0.005],
    ]);
    expect(
      (await loadChanges(environment.store, key('short'))).map(({ after, path, to }) => [after, path, to]),
    ).toEqual([
      [2, 'epochs', 4],
      [4, 'epochs', 5],
      [4, 'optimizer.learningRate', 0.005],
    ]);
    expect((await loadRunRecord(environment.store, 'short'))?.resumes?.at(-1)?.accepted).toContain(
      'pretrain.optimizer.learningRate',
    );
  });
});

describe('a training that is not well', () => {
  it('goes back with a lower learning rate, and stops with its best epoch', { timeout: 300_000 }, async () => {
    const settings =
      'health: { plateau: { epochs: 1, minimumDelta: 100, action: retry }, retry: { times: 1, otherwise: stop } }';
    await writeFile(join(environment.home.folder, 'unwell.yaml'), tiny(settings));
    const { code, stderr } = await contrail(
      'run',
      join(environment.home.folder, 'unwell.yaml'),
      '--id',
      'unwell',
      '--set',
      'epochs=4',
    );
    expect(code, stderr).toBe(0);
    expect(await activities('unwell/pretrain')).toEqual(
      expect.arrayContaining(['epoch-1', 'epoch-2', 'epoch-3', 'encoder']),
    );
    expect((await activities('unwell/pretrain')).filter((id) => id === 'epoch-2')).toHaveLength(2);
    expect(await loadChanges(environment.store, key('unwell'))).toEqual([
      {
        after: 1,
        path: 'optimizer.learningRate',
        from: 0.01,
        to: 0.005,
        by: 'health',
        why: 'plateau: the loss has not fallen by 100 since epoch 1',
      },
    ]);
    const lowest = (await manifests('unwell')).toSorted((a, b) => (a.metrics?.loss ?? 0) - (b.metrics?.loss ?? 0))[0];
    expect(await result('unwell')).toMatchObject({ epochs: lowest?.epoch, digest: lowest?.digest });
    await recordHistory(environment, 'unwell/pretrain', 'training-went-back');
  });

  it('waits for a person, and goes on when that says so', { timeout: 300_000 }, async () => {
    const settings = 'health: { plateau: { epochs: 1, minimumDelta: 100, action: pause } }';
    const doubtful = join(environment.home.folder, 'doubtful.yaml');
    await writeFile(doubtful, tiny(settings));
    expect((await contrail('run', doubtful, '--id', 'doubtful', '--set', 'epochs=3', '--detach')).code).toBe(0);
    while ((await stateOf('doubtful')) !== 'paused') await new Promise((resolve) => setTimeout(resolve, 100));
    expect(environment.trainerRuns('doubtful')).toBe(false);
    expect((await manifests('doubtful')).map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect((await contrail('unpause', 'doubtful', 'pretrain')).code).toBe(0);
    await environment.result('doubtful');
    expect(await result('doubtful')).toMatchObject({ epochs: 3, digest: await digestAt('doubtful', 3) });
  });

  it('begins again where its loss was no number', { timeout: 300_000 }, async () => {
    const exploding = join(environment.home.folder, 'exploding.yaml');
    const text = tiny('health: { nonFiniteLoss: { action: retry }, retry: { factor: 0.0001 } }')
      .replace('images: 160', 'images: 640')
      .replace('optimizer: { name: adam,', 'optimizer: { name: sgd, weightDecay: 1,');
    await writeFile(exploding, text);
    const set = ['--set', 'epochs=1', '--set', 'learningRate=100'];
    const { code, stderr } = await contrail('run', exploding, '--id', 'exploding', ...set);
    expect(code, stderr).toBe(0);
    expect(await loadChanges(environment.store, key('exploding'))).toMatchObject([
      { after: 0, to: 0.01, why: expect.stringMatching(/^nonFiniteLoss: The loss became/) },
    ]);
    expect((await manifests('exploding')).map(({ metrics }) => metrics?.learningRate)).toEqual([0.01]);
  });
});

describe('a training that may stop early', () => {
  const started = async (id: string, settings: string, epochs: number) => {
    await environment.start(id, tiny(settings).replace('epochs: 2', `epochs: ${epochs}`));
    await environment.result(id);
    const lines = await loadEpochMetrics(environment.store, key(id));
    // Its best epoch is the result, whichever came after.
    const { epoch, loss } = lines.toSorted((a, b) => a.loss - b.loss)[0] ?? {};
    expect(await result(id)).toMatchObject({ epochs: epoch, loss, digest: await digestAt(id, epoch ?? 0) });
    return lines;
  };

  it('ends when its loss is no longer lower, and gives what it has to other runs', { timeout: 300_000 }, async () => {
    const patience = 'stop: { patience: 2, minimumDelta: 100 }';
    expect((await started('patient', patience, 9)).map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    await environment.start('patient-again', tiny(patience).replace('epochs: 2', 'epochs: 9'));
    await environment.result('patient-again');
    const step = (await queryStatus(environment.client(), 'patient-again'))?.steps.find(({ id }) => id === 'pretrain');
    expect(step).toMatchObject({ state: 'done', reused: true, from: { run: 'patient', step: 'pretrain' } });
  });

  it('ends when its time is spent, of which no other run takes the result', { timeout: 300_000 }, async () => {
    const time = 'stop: { after: 1s }';
    const spent = (await started('timed', time, 100_000)).map(({ seconds }) => seconds);
    const total = (seconds: readonly number[]) => seconds.reduce((sum, each) => sum + each, 0);
    expect(total(spent)).toBeGreaterThanOrEqual(1);
    expect(total(spent.slice(0, -1))).toBeLessThan(1);
    expect((await started('timed-again', time, 100_000)).length).toBeGreaterThan(0);
  });
});

describe('a fork', () => {
  it('begins from a kept checkpoint with other params, and each run knows of the other', {
    timeout: 300_000,
  }, async () => {
    const { code, stderr } = await contrail(
      'fork',
      'long',
      '--from',
      'pretrain@1',
      '--set',
      'learningRate=0.005',
      '--id',
      'forked',
    );
    expect(code, stderr).toBe(0);
    expect(await digestAt('forked', 1)).toBe(await digestAt('long', 1));
    expect(await activities('forked/pretrain')).not.toContain('epoch-1');
    // The training that went back by itself went the same way.
    expect(await digestAt('forked', 2)).toBe(await digestAt('unwell', 2));
    expect(await digestAt('forked', 2)).not.toBe(await digestAt('long', 2));
    expect((await loadRunRecord(environment.store, 'forked'))?.forkedFrom).toEqual({
      run: 'long',
      step: 'pretrain',
      epoch: 1,
    });
    expect(await environment.store.exists('runs/long/forks/forked.json')).toBe(true);
    const pinned = (await openCheckpoints(environment.store, key('long')).list()).filter((each) => each.pinned);
    expect(pinned.map(({ manifest }) => manifest.epoch)).toEqual([1]);
    const data = (await queryStatus(environment.client(), 'forked'))?.steps[0];
    expect(data).toMatchObject({ reused: true, from: { run: 'long', step: 'data' } });
    await recordHistory(environment, 'forked', 'pipeline-forked');
    await recordHistory(environment, 'forked/pretrain', 'training-forked');
  });

  it('is gone on with like any other run', { timeout: 180_000 }, async () => {
    const before = await digestAt('forked', 4);
    const { code, stderr } = await contrail('resume', 'forked', '--set', 'epochs=5');
    expect(code, stderr).toBe(0);
    expect((await activities('forked/pretrain')).sort()).toEqual(expect.arrayContaining(['encoder', 'epoch-5']));
    expect(await activities('forked/pretrain')).not.toContain('epoch-4');
    expect(await digestAt('forked', 4)).toBe(before);
    await recordHistory(environment, 'forked/pretrain', 'training-extended');
  });

  it('is refused where there is no such checkpoint', { timeout: 180_000 }, async () => {
    const { code, stderr } = await contrail('fork', 'long', '--from', 'pretrain@9');
    expect(code).toBe(2);
    expect(stderr).toContain('keeps no sound checkpoint of epoch 9; it keeps those of epochs 1, 2, 3, 4');
  });
});

describe('verify', () => {
  it('trains an epoch again to the same bits, also one before which the config changed', {
    timeout: 300_000,
  }, async () => {
    const files = async () => (await environment.store.list('runs/forked')).map(({ path, bytes }) => [path, bytes]);
    const before = await files();
    expect(await runForJson(environment.home, ['verify', 'forked', '--epoch', '2'])).toMatchObject({
      same: true,
      epoch: 2,
      digest: await digestAt('forked', 2),
      tensors: [],
    });
    expect(await files()).toEqual(before);
  });

  it('names the tensors that differ, and fails', { timeout: 300_000 }, async () => {
    const checkpoints = openCheckpoints(environment.store, key('long'));
    const { newest } = await checkpoints.newestValid({ upTo: { epoch: 4, step: 0 } });
    if (!newest) throw new Error('there is a checkpoint');
    const tensors = [...newest.tensors.values()];
    const [first, second] = tensors;
    if (!first || !second) throw new Error('there are tensors');
    const changed = Float32Array.from(float32(second), (value, index) => (index === 0 ? value + 1 : value));
    const { epochDigest: _, ...metadata } = newest.metadata;
    const lease = await acquireLease(environment.store, key('long'), 'a test');
    await checkpoints.commit(lease, {
      ...newest.manifest,
      tensors: tensors.map((each) => (each === second ? { ...each, data: new Uint8Array(changed.buffer) } : each)),
      metadata: { ...metadata, epochDigest: '' },
    });
    const { code, stdout } = await contrail('verify', 'long', '--epoch', '4');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^different Epoch 4 of pretrain/);
    expect(stdout).toContain(`${second.name}: 1 of ${changed.length} elements, by 1.00 at most`);
    expect(stdout).not.toContain(`${first.name}:`);
  });
});

describe('a running training', () => {
  it('takes another number of epochs, and refuses what would need a fork', { timeout: 300_000 }, async () => {
    await run('changed', '--set', 'epochs=300', '--set', 'seed=2', '--detach');
    await untilEpoch('changed', 1);
    const refused = await contrail('set', 'changed', 'pretrain.optimizer.learningRate=0.1');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('`contrail fork`');
    const past = await contrail('set', 'changed', 'pretrain.epochs=1');
    expect(past.code).toBe(2);
    expect(past.stderr).toMatch(/Epoch \d+ is under way/);
    const step = (await queryStatus(environment.client(), 'changed'))?.steps[1];
    const epochs = (step?.epoch ?? 0) + 100;
    const { code, stderr } = await contrail('set', 'changed', `pretrain.epochs=${epochs}`);
    expect(code, stderr).toBe(0);
    expect((await queryStatus(environment.client(), 'changed'))?.steps[1]?.epochs).toBe(epochs);
  });

  it('is paused without a trainer, and goes on to the same bits', { timeout: 300_000 }, async () => {
    expect((await contrail('pause', 'changed')).code).toBe(0);
    while ((await stateOf('changed')) !== 'paused') await new Promise((resolve) => setTimeout(resolve, 100));
    expect(environment.trainerRuns('changed')).toBe(false);
    const at = (await manifests('changed')).findLast(({ step }) => step === 0)?.epoch ?? 0;
    const { code, stderr } = await contrail('set', 'changed', `pretrain.epochs=${at + 2}`);
    expect(code, stderr).toBe(0);
    expect((await contrail('unpause', 'changed')).code).toBe(0);
    await environment.result('changed');
    expect(await result('changed')).toMatchObject({ epochs: at + 2 });
    expect(await runForJson(environment.home, ['verify', 'changed'])).toMatchObject({ same: true, epoch: at + 2 });
  });

  it('keeps what was set before the step began, when the run was cancelled and is resumed', {
    timeout: 300_000,
  }, async () => {
    await environment.start('set-early', tiny());
    const handle = environment.client().client.workflow.getHandle('set-early');
    // While the images are made: the training has not begun.
    await handle.executeUpdate(pauseUpdate, { args: [{}] });
    expect(await stateOf('set-early')).toBe('waiting');
    expect((await contrail('set', 'set-early', 'pretrain.batch=16')).code).toBe(0);
    const refused = await contrail('resume', 'set-early');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/has not ended: it is paused\. `contrail unpause set-early` lets it go on/);
    expect((await contrail('cancel', 'set-early', '--wait')).code).toBe(0);
    const resumed = await contrail('resume', 'set-early');
    expect(resumed.code, resumed.stderr).toBe(0);
    for (const { config } of await manifests('set-early')) expect(config).toMatchObject({ batch: 16 });
    for (const command of ['cancel', 'terminate', 'pause'])
      expect(await contrail(command, 'set-early')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('The run set-early has ended (completed).'),
      });
  });
});
