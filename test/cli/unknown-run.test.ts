import { expect, it } from 'vitest';
import { nearestRun, unknownRun } from '../../cli/unknown-run.ts';
import { memoryStore } from '../memory-store.ts';

const runs = [
  'catalogue-20261101-080000-aaaa',
  'quickstart-20261102-090000-bbbb',
  'quickstart-20261103-100000-cccc',
  'weekly',
];

it.each([
  ['of a beginning, the newest is meant', 'quickstart', 'quickstart-20261103-100000-cccc'],
  ['of a whole id that was cut off', 'quickstart-20261102', 'quickstart-20261102-090000-bbbb'],
  ['of an id with a digit too many', 'catalogue-20261101-0800000-aaaa', 'catalogue-20261101-080000-aaaa'],
  ['of two letters in the wrong order', 'weelky', 'weekly'],
  ['of another name, none', 'monthly', null],
  ['of nothing that is there, none', 'sunday', null],
])('%s', (_, word, meant) => {
  expect(nearestRun(word, runs)).toBe(meant);
});

it('a run that is nowhere is told of with the one that was meant', async () => {
  const store = memoryStore([['runs/weekly/plan.json', new Uint8Array()]]);
  expect((await unknownRun(store, 'weakly')).message).toMatch(
    /^There is no run weakly\. Did you mean weekly\? `contrail list`/,
  );
  expect((await unknownRun(store, 'daily')).message).toMatch(/^There is no run daily\. `contrail list`/);
});
