import { expect, it } from 'vitest';
import { unitLength } from '../../contracts/unit-length.ts';
import { unitLength as ofEmbedding, unitRows } from '../../evaluation/embedding.ts';
import { unitRows as ofReport } from '../../report/gather/embedding.ts';
import { tf } from '../../training/index.ts';

it('is the same of a row wherever it is scaled, and zeros stay zeros', () => {
  const values = Float32Array.of(3, 4, 0, 0, 1e-8, 0, -0.1, 0.7);
  const unit = unitLength(values, 2);
  expect([...unit.subarray(0, 4)]).toEqual([...Float32Array.of(0.6, 0.8, 0, 0)]);
  const embedding = { values, count: 4, dimension: 2 };
  expect(ofEmbedding(embedding).values).toEqual(unit);
  expect(ofReport(values, 2).flatMap((row) => [...row])).toEqual([...unit]);
  const rows = tf.tidy(() => [...unitRows(embedding).dataSync()]);
  for (const [at, value] of rows.entries()) expect(value).toBeCloseTo(unit[at] ?? 0, 6);
});
