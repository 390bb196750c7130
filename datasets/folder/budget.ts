/** A limit on what is in memory at a time. */
export interface Budget {
  /** Does a piece of work when there is room for it, in the order of the calls. One larger than all is done alone. */
  readonly spend: <T>(weight: number, work: () => Promise<T>) => Promise<T>;
}

export function createBudget(total: number): Budget {
  const waiting: { readonly weight: number; readonly start: () => void }[] = [];
  let spent = 0;
  const admit = () => {
    for (let next = waiting[0]; next && (spent === 0 || spent + next.weight <= total); next = waiting[0]) {
      waiting.shift();
      spent += next.weight;
      next.start();
    }
  };
  return {
    spend: async (weight, work) => {
      await new Promise<void>((start) => {
        waiting.push({ weight, start });
        admit();
      });
      try {
        return await work();
      } finally {
        spent -= weight;
        admit();
      }
    },
  };
}
