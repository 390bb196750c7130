import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Refusal, refusals } from './formats/accepts.ts';
import { shapeOf } from './formats/shape.ts';

/** What a change of a schema does to data that was written before it. */
const refused = (before: z.ZodType, after: z.ZodType): readonly Refusal[] =>
  refusals(shapeOf(before, 'before'), shapeOf(after, 'after'));

const base = {
  name: z.string().max(10),
  size: z.int().min(1),
  kind: z.enum(['a', 'b']),
  note: z.string().optional(),
  tags: z.array(z.string()),
};
const record = z.strictObject(base);
const changed = (change: z.ZodRawShape) => z.strictObject({ ...base, ...change });

const compatible: readonly (readonly [string, z.ZodType, z.ZodType])[] = [
  ['nothing', record, changed({})],
  ['a new optional field', record, changed({ more: z.int().optional() })],
  ['a new field with a default', record, changed({ more: z.int().default(3) })],
  ['a field that may be absent now', record, changed({ size: z.int().min(1).optional() })],
  ['a wider range', record, changed({ size: z.int().min(0) })],
  ['a longer text', record, changed({ name: z.string().max(20) })],
  ['a limit less', record, changed({ name: z.string() })],
  ['another value of a choice', record, changed({ kind: z.enum(['a', 'b', 'c']) })],
  ['a choice that became any text', record, changed({ kind: z.string() })],
  ['a field that may be null now', record, changed({ size: z.int().min(1).nullable() })],
  ['any number in place of whole ones', record, changed({ size: z.number().min(1) })],
  ['anything in place of a type', record, changed({ size: z.json() })],
  ['another form beside the first', record, z.union([z.strictObject({ other: z.int() }), record])],
  ['names that are not listed', record, z.looseObject(base)],
  ['a check less', z.string().refine(() => true, 'must rhyme'), z.string()],
  ['a record of wider values', z.record(z.string(), z.int()), z.record(z.string(), z.number())],
  ['an object that became a record', z.strictObject({ a: z.int() }), z.record(z.string(), z.int())],
  [
    'a text of a known value',
    z.literal('abc'),
    z
      .string()
      .regex(/^[a-z]+$/)
      .max(3),
  ],
];

const incompatible: readonly (readonly [string, z.ZodType, z.ZodType, string])[] = [
  ['a field that is gone', record, record.omit({ note: true }), 'note: is no longer known'],
  ['a field that nothing reads', record, z.looseObject(base).omit({ note: true }), 'note: is no longer read'],
  [
    'a field with another name',
    record,
    record.omit({ size: true }).extend({ bytes: z.int() }),
    'size: is no longer known',
  ],
  ['a new field that must be there', record, changed({ more: z.int() }), 'more: is new and must be there'],
  ['a field that must be there now', record, changed({ note: z.string() }), 'note: must be there now'],
  ['another type', record, changed({ size: z.string() }), 'size: was integer and is string'],
  ['whole numbers alone', z.number(), z.int(), 'the whole: was number and is integer'],
  ['a narrower range', record, changed({ size: z.int().min(2) }), 'size: minimum was 1 and is 2'],
  ['a new limit', record, changed({ tags: z.array(z.string()).max(3) }), 'tags: maxItems was without limit and is 3'],
  ['another pattern', z.string().regex(/^a/), z.string().regex(/^b/), 'the whole: pattern was "^a" and is "^b"'],
  ['a value less', record, changed({ kind: z.enum(['a']) }), 'kind: the value "b" is no longer taken'],
  ['no null any more', z.int().nullable(), z.int(), 'the whole: was null and is integer'],
  ['a form less', z.union([z.int(), z.string()]), z.int(), 'the whole: was string and is integer'],
  [
    'another default',
    z.strictObject({ a: z.int().default(1) }),
    z.strictObject({ a: z.int().default(2) }),
    'a: where it is absent it was 1 and is 2',
  ],
  [
    'no default any more',
    z.strictObject({ a: z.int().default(1) }),
    z.strictObject({ a: z.int().optional() }),
    'a: where it is absent it was 1 and is nothing',
  ],
  [
    'a new check',
    z.string(),
    z.string().refine(() => true, 'must rhyme'),
    'the whole: more is asked of it: must rhyme',
  ],
  ['only listed names', z.looseObject(base), record, 'the whole: names that are not listed are no longer taken'],
  ['a list in place of an object', record, z.array(record), 'the whole: an object is no longer taken'],
  ['a longer tuple', z.tuple([z.int()]), z.tuple([z.int(), z.int()]), 'the whole: had 1 values and has 2'],
  [
    'something deep inside',
    z.array(z.strictObject({ a: record })),
    z.array(z.strictObject({ a: changed({ more: z.int() }) })),
    '[].a.more: is new and must be there',
  ],
  [
    'narrower names of a record',
    z.record(z.string(), z.int()),
    z.record(z.string().max(3), z.int()),
    ' (names): maxLength was without limit and is 3',
  ],
];

describe('data of before is still read after', () => {
  for (const [what, before, after] of compatible) it(what, () => expect(refused(before, after)).toEqual([]));
});

describe('data of before is no longer read, or read as something else, after', () => {
  for (const [what, before, after, why] of incompatible)
    it(what, () => expect(refused(before, after).map(({ at, why: said }) => `${at}: ${said}`)[0]).toBe(why));
});
