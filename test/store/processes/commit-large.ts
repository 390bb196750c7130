import { residentMebibytes } from '../../../bench/memory-use.ts';
import { acquireLease, openCheckpoints, openStore } from '../../../store/index.ts';

/** Commits 200 MB and prints by how many bytes that raised the most memory this process ever used. */
const store = openStore(process.argv[2] ?? '');
const key = { run: 'run', step: 'pretrain' };
const tensors = Array.from({ length: 4 }, (_, index) => ({
  name: `w${index}`,
  dtype: 'U8' as const,
  shape: [50_000_000],
  data: new Uint8Array(50_000_000).fill(index + 1),
}));
const lease = await acquireLease(store, key, 'large');
const most = () => residentMebibytes('peak') * 2 ** 20;
const before = most();
await openCheckpoints(store, key).commit(lease, {
  epoch: 1,
  step: 0,
  config: {},
  metrics: null,
  best: null,
  tensors,
  metadata: {},
});
process.stdout.write(JSON.stringify({ raised: most() - before }));
