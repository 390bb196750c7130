import { bytesOf, openCheckpoints, openStore, takeTraining } from '../../../store/index.ts';

/** Commits epoch after epoch from where the store stands, states of so many MiB, and says so after each, until it is killed. */
const values = Number(process.argv[3] ?? 4) << 18;
const store = openStore(process.argv[2] ?? '');
const key = { run: 'run', step: 'pretrain' };
const checkpoints = openCheckpoints(store, key);
const lease = await takeTraining(store, key, `pid ${process.pid}`);
const { newest } = await checkpoints.newestValid();

for (let epoch = (newest?.manifest.epoch ?? 0) + 1; ; epoch++) {
  await checkpoints.commit(lease, {
    epoch,
    step: 0,
    config: {},
    metrics: { loss: 1 / epoch, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 },
    best: { epoch, loss: 1 / epoch },
    tensors: [{ name: 'w', dtype: 'F32', shape: [values], data: bytesOf(new Float32Array(values).fill(epoch)) }],
    metadata: {},
  });
  process.stdout.write(`${epoch}\n`);
  await checkpoints.retain({ last: 2, best: 1 });
}
