import { changeBytes } from './bytes.ts';
import { changeJson, changeJsonLine } from './json.ts';
import type { Random } from './random.ts';
import { bytesOfText, type Form, type Target, textOfBytes } from './target.ts';
import { changeText } from './text.ts';

const defaultMostBytes = 64 * 2 ** 10;

/** Inputs that new ones are made of. */
export interface Pool {
  /** Sound ones, and those that were kept. */
  readonly seeds: readonly Uint8Array[];
  /** Those of this run of which something new came, the latest last. */
  readonly news: readonly Uint8Array[];
}

type Shape = Pick<Target, 'form' | 'tokens' | 'region' | 'repair' | 'mostBytes'>;

/** An input for a target: one of the pool with some changes. It follows from the draws and the pool alone. */
export function mutated(target: Shape, pool: Pool, random: Random): Uint8Array {
  const one = () => random.pick(pool.news.length > 0 && random.oneIn(2) ? pool.news : pool.seeds);
  const most = target.mostBytes ?? defaultMostBytes;
  let input = one();
  // Mostly few: an input with many changes fails at the first.
  let changes = random.oneIn(100) ? 0 : 1;
  while (changes > 0 && changes < 12 && !random.oneIn(2)) changes++;
  for (let done = 0; done < changes; done++) {
    const next = changed(target, input, one(), random);
    if (next.length <= most) input = next;
  }
  return target.repair && random.oneIn(2) ? target.repair(input, random) : input;
}

function changed(target: Shape, input: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const region = random.oneIn(4) ? null : (target.region?.(input) ?? null);
  if (!region) return inForm(target.form, input, other, random, target.tokens);
  const there = target.region?.(other);
  const inner = inForm(
    region.form,
    input.subarray(region.from, region.to),
    there ? other.subarray(there.from, there.to) : other,
    random,
    target.tokens,
  );
  return Buffer.concat([input.subarray(0, region.from), inner, input.subarray(region.to)]);
}

function inForm(
  form: Form,
  input: Uint8Array,
  other: Uint8Array,
  random: Random,
  tokens: readonly string[] = [],
): Uint8Array {
  if (form === 'bytes' || random.oneIn(6)) return changeBytes(input, random, other, tokens);
  const [text, spare] = [textOfBytes(input), textOfBytes(other)];
  const structured =
    form === 'text' || random.oneIn(3)
      ? null
      : form === 'json'
        ? changeJson(text, random, spare)
        : changeJsonLine(text, random, spare);
  return bytesOfText(structured ?? changeText(text, random, tokens, spare));
}
