import { expect, it } from 'vitest';
import { inOrder } from '../../datasets/in-order.ts';

it('takes an item only when another has been given on', async () => {
  let taken = 0;
  function* items() {
    for (;;) yield ++taken;
  }
  const given: number[] = [];
  for await (const item of inOrder(items(), async (each) => each)) {
    given.push(item);
    expect(taken).toBe(given.length + 15);
    if (given.length === 50) break;
  }
  expect(given).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
});

it('ends with the first item, in their order, of which the work fails, and leaves none under way', async () => {
  let underWay = 0;
  const work = async (item: number) => {
    underWay++;
    await new Promise((resolve) => setTimeout(resolve, item === 3 ? 20 : 1));
    underWay--;
    if (item >= 3) throw new Error(`no ${item}`);
    return item;
  };
  const given: number[] = [];
  const reading = (async () => {
    for await (const item of inOrder([1, 2, 3, 4, 5], work)) given.push(item);
  })();
  await expect(reading).rejects.toThrow('no 3');
  expect({ given, underWay }).toEqual({ given: [1, 2], underWay: 0 });
});
