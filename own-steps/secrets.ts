/** A shorter value is no secret, and would be found everywhere. */
const shortestSecret = 4;
export const mask = '***';

/** Finds and hides the values of variables that are passed on. */
export interface Secrets {
  /** The text with each value, and each line of one, replaced. */
  readonly hide: (text: string) => string;
  readonly isIn: (text: string) => boolean;
  /** Of the longest that is looked for: where a text was cut, so much of its end may be the beginning of one. */
  readonly longest: number;
}

export function secretsOf(values: readonly string[]): Secrets {
  const found = [...new Set(values.flatMap((value) => [value, ...value.split(/\r?\n/)]))]
    // As JSON has it, where that differs.
    .flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
    .filter((value) => value.length >= shortestSecret)
    .sort((a, b) => b.length - a.length);
  const all = [...new Set(found)];
  return {
    hide: (text) => all.reduce((hidden, value) => hidden.replaceAll(value, mask), text),
    isIn: (text) => all.some((value) => text.includes(value)),
    longest: all[0]?.length ?? 0,
  };
}
