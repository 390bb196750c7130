import { times } from '../contracts/counted.ts';
import type { Evaluation } from '../contracts/evaluation.ts';
import { countOfLeaks, type LeakCounts, type LeaksPolicy, leakKindsText } from '../contracts/leaks.ts';
import { ifMeasured, percent } from './format.ts';

interface MeasuredOn {
  readonly images: number;
  /** Null where nothing was left to measure. */
  readonly value: number | null;
}

/** What was measured, in words and numbers. */
export interface Leaking {
  readonly one: string;
  readonly many: string;
  /** What they are duplicates of. */
  readonly of: string;
  readonly measure: string;
  readonly all: MeasuredOn;
  readonly clean: MeasuredOn;
}

/** Whether test images of an evaluation leak. */
export const hasLeaks = ({ leaks }: Pick<Evaluation, 'leaks'>): boolean =>
  leaks !== undefined && countOfLeaks(leaks) > 0;

/**
 * The accuracy that is not the main one: with the images that leak, or without them where they are kept. Null where none leak.
 */
export function otherAccuracy({
  leaks,
  all,
  clean,
}: Pick<Evaluation, 'leaks' | 'all' | 'clean'>):
  | (NonNullable<Evaluation['all']> & { readonly leaks: 'with' | 'without' })
  | null {
  if (!leaks || !all || !clean || !hasLeaks({ leaks })) return null;
  return leaks.policy === 'keep' ? { ...clean, leaks: 'without' } : { ...all, leaks: 'with' };
}

/** What a reader must know of images that leak: how many of which kind, and the measure with them and without. Plain sentences. */
export function leaksNote(
  leaks: LeakCounts & { readonly policy: LeaksPolicy; readonly partly: boolean },
  { one, many, of, measure, all, clean }: Leaking,
): string[] {
  const found = countOfLeaks(leaks);
  const partly = leaks.partly ? ['The inspection looked at some of the images only, so more may leak.'] : [];
  if (found === 0) return partly;
  const text = ({ images, value }: MeasuredOn) => `${ifMeasured(value, percent)} on ${times(images, one, many)}`;
  const said =
    leaks.policy === 'keep'
      ? `All measures are with leaks: without them ${measure} is ${text(clean)}.`
      : clean.images === 0
        ? `Nothing is left to measure without leaks; with them ${measure} is ${text(all)}, which measures memory.`
        : `All measures are without leaks: with them ${measure} is ${text(all)}.`;
  return [
    `${found} of ${times(all.images, one, many)} ${found === 1 ? 'leaks' : 'leak'}, as duplicates of ${of}: ${leakKindsText(leaks)}.`,
    said,
    ...(leaks.embedding
      ? ['Two images that an encoder takes for one may as well be two images of a class that it knows well.']
      : []),
    ...partly,
  ];
}
