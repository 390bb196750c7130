import { z } from 'zod';
import { baseOf } from './base.ts';

const sequence = z.string().regex(/^[0-9A-F]{4,6}(-[0-9A-F]{4,6})*$/);

/** emoji.json of emoji-datasource, as far as it is read. */
const emojiListSchema = z
  .array(
    z.object({
      unified: sequence,
      short_name: z.string().regex(/^[\w+-]{1,100}$/),
      category: z.string().min(1).max(100),
      skin_variations: z.record(z.string().max(30), z.object({ unified: sequence })).default({}),
    }),
  )
  .min(1)
  .max(10_000);

/** Of the five skin tones the lightest and the darkest: the others add images between them, and time. */
const tones = ['1F3FB', '1F3FF'];

/** One drawing of an emoji, whoever drew it. */
export interface Emoji {
  readonly sequence: string;
  /** The product: what all variants have in common. A name that a person can read, unlike its sequence. */
  readonly base: string;
}

/**
 * All emoji, without those that only change others, with the lightest and the darkest skin tone where they have tones.
 *
 * @param text of emoji.json
 * @throws ZodError, SyntaxError where it is another file
 */
export function readEmojiList(text: string): Emoji[] {
  const list = emojiListSchema.parse(JSON.parse(text)).filter(({ category }) => category !== 'Component');
  const names = new Map<string, string>();
  for (const { unified, short_name } of list) {
    const base = baseOf(unified);
    // The variant that is its own base gives the name; families have none that is.
    if (!names.has(base) || unified.split('-').every((code) => base.split('-').includes(code) || code === 'FE0F'))
      names.set(base, short_name);
  }
  return list.flatMap(({ unified, skin_variations }) => {
    const base = names.get(baseOf(unified)) ?? unified;
    const toned = tones.flatMap((tone) => skin_variations[tone] ?? []);
    return [unified, ...toned.map((each) => each.unified)].map((each) => ({ sequence: each, base }));
  });
}
