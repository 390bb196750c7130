import { expect, it } from 'vitest';
import { inspectionText } from '../../contracts/inspection-text.ts';

const result = {
  inspection: { kind: 'inspection', digest: 'a'.repeat(64) },
  images: 1200,
  copies: 2,
  nearDuplicates: 1,
  sameEmbedding: 1,
  leaks: 1,
  labelSuspects: 40,
  outliers: 0,
  alikeClasses: 2,
  largestToSmallest: 3,
};

it('what a look at a data set found is said in a line, without what it did not find', () => {
  expect(inspectionText({ uses: 'inspect-data', result })).toBe(
    '1 leak, 3 duplicates, 1 image like another by embedding, 40 label suspects, 2 pairs of classes alike',
  );
  expect(inspectionText({ uses: 'inspect-data', result: { ...result, lossSuspects: 12, bothSuspects: 9 } })).toContain(
    '40 label suspects, 12 label suspects by the loss, 9 of them both ways, ',
  );
  const clean = {
    ...result,
    copies: 0,
    nearDuplicates: 0,
    sameEmbedding: null,
    leaks: 0,
    labelSuspects: 0,
    alikeClasses: 0,
  };
  expect(inspectionText({ uses: 'inspect-data', result: clean })).toBe('nothing odd in 1\u202f200 images');
  expect(inspectionText({ uses: 'retrieval', result })).toBe('');
  expect(inspectionText({ uses: 'inspect-data', result: null })).toBe('');
});
