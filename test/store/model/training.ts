import { bytesOf, float32, type Lease, openCheckpoints, type Store, takeTraining } from '../../../store/index.ts';
import type { Keep } from '../../../store/retention.ts';
import type { Actor, Said } from './explore.ts';

/** The training of which the processes are attempts. */
export const key = { run: 'run', step: 'pretrain' };

/** What an attempt counts as done. */
export type Fact =
  /** The training is this attempt's, and these are the checkpoints that others made before. */
  | { readonly what: 'taken'; readonly token: number; readonly before: readonly string[] }
  | { readonly what: 'began'; readonly epoch: number; readonly value: number }
  | { readonly what: 'committed'; readonly epoch: number; readonly token: number }
  | { readonly what: 'gone back' };

/** The state after an epoch: it follows from the one before, as in every training. */
const next = (value: number, epoch: number): number => (value * 31 + epoch) % 65_521;
export const valueAfter = (epoch: number): number =>
  Array.from({ length: epoch }, (_, at) => at + 1).reduce((value, each) => next(value, each), 0);

/** Takes the training. */
export async function taken(store: Store, name: string, say: Said<Fact>): Promise<Lease> {
  const lease = await takeTraining(store, key, name);
  const before = await openCheckpoints(store, key).list();
  say({ what: 'taken', token: lease.token, before: before.map((each) => each.name) });
  return lease;
}

/** What a process of a trainer does: takes the lease, goes on from the newest checkpoint, and commits each epoch after it. */
export const attempt = (name: string, epochs: number, keep: Keep = { last: 2, best: 0 }): Actor<Fact> => ({
  name,
  run: async (store, say) => {
    const lease = await taken(store, name, say);
    const checkpoints = openCheckpoints(store, key);
    const { newest } = await checkpoints.newestValid();
    const found = newest?.tensors.get('w');
    let value = found ? (float32(found)[0] ?? Number.NaN) : 0;
    const first = newest?.manifest.epoch ?? 0;
    say({ what: 'began', epoch: first, value });
    for (let epoch = first + 1; epoch <= epochs; epoch++) {
      value = next(value, epoch);
      await checkpoints.commit(lease, {
        epoch,
        step: 0,
        config: {},
        metrics: { loss: 1 / epoch, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 },
        best: { epoch, loss: 1 / epoch },
        tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(value)) }],
        metadata: {},
      });
      say({ what: 'committed', epoch, token: lease.token });
      await checkpoints.retain(keep);
    }
  },
});

/** Where a training stands that is taken up now: the newest epoch that verifies, and its state. */
export async function standing(store: Store): Promise<{ readonly epoch: number; readonly value: number }> {
  const { newest } = await openCheckpoints(store, key).newestValid();
  const found = newest?.tensors.get('w');
  return { epoch: newest?.manifest.epoch ?? 0, value: found ? (float32(found)[0] ?? Number.NaN) : 0 };
}
