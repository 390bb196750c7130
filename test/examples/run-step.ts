import type { OwnStep } from '../../own-steps/define.ts';

/** Runs a step of one's own in this process, where nothing stops it, nothing is kept of it and nobody reads what it says. */
export const runStep = (
  { options }: OwnStep,
  { parameters, inputs = {} }: { readonly parameters: object; readonly inputs?: Readonly<Record<string, string>> },
): unknown =>
  options.run({
    ...{ parameters, inputs, outputs: {} },
    ...{ signal: new AbortController().signal, log: () => {}, progress: () => {} },
    ...{ checkpoint: async () => {}, restore: () => null },
    ...{ run: 'r', step: 's', attempt: 1 },
  });
