import { runChild } from '../child.ts';
import type { Steps } from './take-steps.ts';

export interface Taken {
  readonly losses: readonly number[];
  readonly digest: string;
  readonly milliseconds: number;
}

/** Takes steps in a process of their own. @throws Error when it did not come to its end */
export async function stepsInChild(
  steps: Steps,
  environment: Readonly<Record<string, string>>,
  limitSeconds = 240,
): Promise<Taken> {
  const told = new Map<string, unknown>();
  const why = await runChild('take-steps', steps, {
    environment,
    limitSeconds,
    onFigure: ({ figure, value }) => told.set(figure, value),
  });
  if (why !== null) throw new Error(why);
  return {
    losses: String(told.get('losses')).split(' ').map(Number),
    digest: String(told.get('digest')),
    milliseconds: Number(told.get('step')),
  };
}
