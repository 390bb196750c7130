import { appendFileSync } from 'node:fs';
import { z } from 'zod';

/** One thing that was learnt, or why it was not. A line of JSON each. */
export const figureSchema = z.strictObject({
  part: z.string(),
  figure: z.string(),
  value: z.union([z.number(), z.string(), z.boolean(), z.null()]),
  unit: z.string().optional(),
});
export type Figure = z.infer<typeof figureSchema>;

/** How a part says what it learnt. */
export type Tell = (figure: string, value: Figure['value'], unit?: string) => void;

/** The figure of a part that did not come to its end: the message. */
export const failed = 'failed';

export interface Figures {
  readonly add: (figure: Figure) => void;
  readonly all: () => readonly Figure[];
}

/** Figures in a file, which has each as soon as it is known. */
export function openFigures(file: string): Figures {
  const figures: Figure[] = [];
  return {
    add: (figure) => {
      figures.push(figure);
      appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...figure })}\n`);
    },
    all: () => figures,
  };
}

/** How many times as fast as PyTorch we are, from the steps that both took. */
export function ratios(figures: readonly Figure[]): readonly Figure[] {
  const steps = new Map(
    figures.flatMap(({ part, figure, value }) =>
      figure === 'step' && typeof value === 'number' ? [[part, value] as const] : [],
    ),
  );
  return [...steps].flatMap(([part, ours]) => {
    const [size, who] = part.split(', ');
    if (who !== 'ours') return [];
    return ['torch.compile', 'PyTorch'].flatMap((peer) => {
      const theirs = steps.get(`${size}, ${peer}`);
      return theirs === undefined ? [] : [{ part, figure: `times as fast as ${peer}`, value: theirs / ours }];
    });
  });
}
