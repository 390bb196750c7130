import { expect, it } from 'vitest';
import { noQueriesText } from '../../contracts/retrieval-text.ts';

const result = { queries: 0, lone: 12, recallAt1: null, copies: 2, nearLeaks: 1, embeddingLeaks: null };
const said = (more: object) => noQueriesText({ uses: 'retrieval', result: { ...result, ...more } });

it('a search without a query says so, with the reasons and their counts', () => {
  expect(said({})).toBe(
    'nothing measured, no query is left: 12 images have no other of their class in the gallery, 3 images leak (2 exact copies, 1 near duplicate)',
  );
  expect(said({ lone: 1, copies: 0, nearLeaks: null })).toBe(
    'nothing measured, no query is left: 1 image has no other of its class in the gallery',
  );
  expect(said({ lone: 0, nearLeaks: 0, copies: 1, allRecallAt1: 1 })).toBe(
    'nothing measured, no query is left: 1 image leaks (1 exact copy); with those that leak recallAt1 is 1.0000',
  );
});

it('a search with queries, another step and a result of an earlier version say nothing of it', () => {
  expect(said({ queries: 1 })).toBe('');
  expect(noQueriesText({ uses: 'evaluate', result })).toBe('');
  expect(noQueriesText({ uses: 'retrieval', result: { recallAt1: 0.5 } })).toBe('');
  expect(noQueriesText({ uses: 'retrieval', result: null })).toBe('');
});
