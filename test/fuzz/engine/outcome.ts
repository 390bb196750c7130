import { isExplained, type OpenTarget, Violation } from './target.ts';

/** What came of an input. */
export type Outcome =
  /** A value, or an error that the reader may throw. `text` is the same for what is the same. */
  | { readonly is: 'sound'; readonly text: string }
  /** `sign` is the same for what has the same cause, as far as can be told. */
  | { readonly is: 'finding'; readonly sign: string; readonly detail: string };

const longestMessage = 100_000;
const shownCharacters = 160;

/** Runs a target on an input. It never throws. */
export async function outcomeOf({ run, accepts = isExplained }: OpenTarget, input: Uint8Array): Promise<Outcome> {
  try {
    return { is: 'sound', text: alike(await run(input)) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (error instanceof Violation) return finding(`violation: ${alike(message)}`, message);
    if (!accepts(error)) return finding(`${name}: ${alike(message)} ${placeOf(error)}`, stackOf(error));
    const wrong = problemWithMessage(message);
    if (wrong !== null) return finding(`${wrong}: ${alike(message)}`, message.slice(0, 2000));
    const code = error instanceof Object && 'code' in error ? String(error.code) : name;
    return { is: 'sound', text: alike(`${code}: ${message}`) };
  }
}

/** What is wrong with a message that a person is shown; null for nothing. */
export function problemWithMessage(message: string): string | null {
  if (message.length > longestMessage) return 'message too long';
  if (/\n\s+at \S+ ?\(?.*:\d+:\d+\)?/.test(message)) return 'message with a stack';
  if (message.trim() === '') return 'message without a word';
  return null;
}

const finding = (sign: string, detail: string): Outcome => ({ is: 'finding', sign, detail: detail.slice(0, 4000) });

export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** The first place of ours in a stack. */
export function placeOf(error: unknown): string {
  const lines = stackOf(error).split('\n').slice(1);
  const own = lines.find((line) => /\.(ts|mjs):\d+/.test(line) && !/node_modules|test\/fuzz\/engine/.test(line));
  return /([\w-]+\.(?:ts|mjs)):\d+/.exec(own ?? '')?.[1] ?? '';
}

/** A text without what differs between like outcomes: longer numbers, quoted texts, paths. */
function alike(text: string): string {
  return text
    .slice(0, 4 * shownCharacters)
    .replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`/g, '"…"')
    .replaceAll(/\/\S*/g, '/…')
    .replaceAll(/[0-9a-f]{16,}|\d+\.\d+(?:e[+-]?\d+)?|\d{2,}(?:e[+-]?\d+)?/g, '#')
    .slice(0, shownCharacters);
}
