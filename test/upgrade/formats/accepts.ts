import { canonicalJson, type Json } from '../../../contracts/json.ts';
import type { Choice, Limited, ListShape, ObjectShape, RecordShape, Shape, TupleShape } from './shape.ts';

/** What a later reader no longer takes of what an earlier one took: where, and what. */
export interface Refusal {
  readonly at: string;
  readonly why: string;
  /** A new check of values. Whether anything that was written fails it no program can tell; a person says so, and fixtures are read. */
  readonly isCheck?: true;
}

/**
 * Why data of an earlier shape may be refused, or be read as something else, by a later one; none where all of it is taken.
 *
 * @param at where in the data, for messages
 */
export function refusals(earlier: Shape, later: Shape, at = ''): readonly Refusal[] {
  if (later === 'anything' || canonicalJson(earlier) === canonicalJson(later)) return [];
  const own = [...refusedDefault(earlier, later, at), ...refusedRefinements(earlier, later, at)];
  const candidates = alternatives(later);
  const within = alternatives(earlier).flatMap((each) => {
    // A single value of a choice may have become its own alternative.
    const parts = typeof each !== 'string' && 'is' in each ? each.is.map((value) => ({ is: [value] })) : [each];
    return parts.flatMap((part) => fewest(candidates.map((candidate) => refusedAlone(part, candidate, at))));
  });
  return unique([...own, ...within]);
}

const alternatives = (shape: Shape): readonly Shape[] =>
  typeof shape !== 'string' && 'either' in shape ? shape.either.flatMap(alternatives) : [shape];

/** The nearest alternative says best what is wrong. */
const fewest = (answers: readonly (readonly Refusal[])[]): readonly Refusal[] =>
  answers.reduce((best, each) => (each.length < best.length ? each : best), answers[0] ?? []);

const unique = (all: readonly Refusal[]): readonly Refusal[] => [
  ...new Map(all.map((each) => [`${each.at} ${each.why}`, each])).values(),
];

const text = (value: unknown) => JSON.stringify(value);
const place = (at: string) => (at === '' ? 'the whole' : at);

/** What is absent would be read as something else. */
function refusedDefault(earlier: Shape, later: Shape, at: string): readonly Refusal[] {
  const before = typeof earlier === 'string' ? undefined : earlier.default;
  const after = typeof later === 'string' ? undefined : later.default;
  if (before === undefined || canonicalJson(before) === canonicalJson(after ?? null)) return [];
  const now = after === undefined ? 'nothing' : text(after);
  return [{ at: place(at), why: `where it is absent it was ${text(before)} and is ${now}` }];
}

function refusedRefinements(earlier: Shape, later: Shape, at: string): readonly Refusal[] {
  const known = typeof earlier === 'string' ? [] : (earlier.refined ?? []);
  const asked = typeof later === 'string' ? [] : (later.refined ?? []);
  return asked
    .filter((each) => !known.includes(each))
    .map((each) => ({ at: place(at), why: `more is asked of it: ${each}`, isCheck: true as const }));
}

/** Both are single shapes, none of them `either`. */
function refusedAlone(earlier: Shape, later: Shape, at: string): readonly Refusal[] {
  if (later === 'anything') return [];
  const [before, after] = [asObject(earlier), asObject(later)];
  if ('is' in before) return refusedValue(before, after, at);
  if ('of' in before && 'of' in after) return refusedObject(before, after, at);
  if ('record' in before && 'record' in after) return refusedRecord(before, after, at);
  if ('of' in before && 'record' in after) return refusedObject(before, { of: {}, others: after.record }, at);
  if ('list' in before && 'list' in after)
    return [...refusals(before.list, after.list, `${at}[]`), ...refusedLimits(before, after, at)];
  if ('tuple' in before && 'tuple' in after) return refusedTuple(before, after, at);
  if ('type' in before && 'type' in after) return refusedType(before, after, at);
  return [{ at: place(at), why: `${kindOf(before)} is no longer taken` }];
}

type SingleShape = Limited | Choice | ObjectShape | RecordShape | ListShape | TupleShape;
const asObject = (shape: Shape): SingleShape => (typeof shape === 'string' ? { type: shape } : (shape as SingleShape));

const kindOf = (shape: SingleShape): string => {
  if ('is' in shape) return shape.is.map(text).join(', ');
  if ('type' in shape) return shape.type === 'anything' ? 'anything else' : `a ${shape.type}`;
  return 'of' in shape || 'record' in shape ? 'an object' : 'a list';
};

function refusedValue({ is: [value = null] }: Choice, after: SingleShape, at: string): readonly Refusal[] {
  const gone = { at: place(at), why: `the value ${text(value)} is no longer taken` };
  if ('is' in after) return after.is.some((each) => canonicalJson(each) === canonicalJson(value)) ? [] : [gone];
  return 'type' in after && fits(value, after) ? [] : [gone];
}

/** Whether a single value is of a type and within limits that can be judged. */
function fits(value: Json, { type, limits = {} }: Limited): boolean {
  const own = value === null ? 'null' : typeof value;
  if (!(own === type || (type === 'integer' && Number.isInteger(value)))) return false;
  return Object.entries(limits).every(([limit, bound]) => {
    if (limit === 'pattern') return new RegExp(String(bound)).test(String(value));
    const size = typeof value === 'string' ? value.length : Number(value);
    if (limit === 'minimum' || limit === 'minLength') return size >= Number(bound);
    if (limit === 'maximum' || limit === 'maxLength') return size <= Number(bound);
    if (limit === 'exclusiveMinimum') return size > Number(bound);
    return limit === 'exclusiveMaximum' ? size < Number(bound) : false;
  });
}

const nameOf = (key: string) => key.replace(/\?$/, '');

function refusedObject(before: ObjectShape, after: ObjectShape, at: string): readonly Refusal[] {
  const memberOf = ({ of }: ObjectShape, name: string): Shape | undefined => of[name] ?? of[`${name}?`];
  const under = (name: string) => (at === '' ? name : `${at}.${name}`);
  const members = Object.entries(before.of).flatMap(([key, shape]) => {
    const name = nameOf(key);
    const now = memberOf(after, name) ?? after.others;
    if (now === undefined) return [{ at: under(name), why: 'is no longer known' }];
    if (memberOf(after, name) === undefined && now === 'anything')
      return [{ at: under(name), why: 'is no longer read' }];
    const missing = key.endsWith('?') && name in after.of ? [{ at: under(name), why: 'must be there now' }] : [];
    return [...missing, ...refusals(shape, now, under(name))];
  });
  const added = Object.keys(after.of)
    .filter((key) => !key.endsWith('?') && memberOf(before, key) === undefined)
    .map((name) => ({ at: under(name), why: 'is new and must be there' }));
  const others = before.others === undefined ? [] : refusedOthers(before.others, after.others, at);
  return [...members, ...added, ...others];
}

const refusedOthers = (before: Shape, after: Shape | undefined, at: string): readonly Refusal[] =>
  after === undefined
    ? [{ at: place(at), why: 'names that are not listed are no longer taken' }]
    : refusals(before, after, `${at}.*`);

const refusedRecord = (before: RecordShape, after: RecordShape, at: string): readonly Refusal[] => [
  ...refusals(before.record, after.record, `${at}.*`),
  ...refusals(before.names ?? 'string', after.names ?? 'string', `${at} (names)`),
];

function refusedTuple(before: TupleShape, after: TupleShape, at: string): readonly Refusal[] {
  if (before.tuple.length !== after.tuple.length)
    return [{ at: place(at), why: `had ${before.tuple.length} values and has ${after.tuple.length}` }];
  return before.tuple.flatMap((each, index) => refusals(each, after.tuple[index] ?? 'null', `${at}[${index}]`));
}

function refusedType(before: Limited, after: Limited, at: string): readonly Refusal[] {
  const isWider = after.type === before.type || (before.type === 'integer' && after.type === 'number');
  if (!isWider) return [{ at: place(at), why: `was ${before.type} and is ${after.type}` }];
  return refusedLimits(before, after, at);
}

/** A limit may go, or become wider; another kind of limit cannot be compared, so it counts as narrower. */
function refusedLimits(
  { limits: before = {} }: Pick<Limited, 'limits'>,
  { limits: after = {} }: Pick<Limited, 'limits'>,
  at: string,
): readonly Refusal[] {
  return Object.entries(after).flatMap(([limit, bound]) => {
    const was = before[limit];
    if (canonicalJson(was ?? null) === canonicalJson(bound)) return [];
    if (typeof was === 'number' && typeof bound === 'number') {
      const isWider = /^(exclusiveM|m)in/.test(limit) ? bound <= was : /^(exclusiveM|m)ax/.test(limit) && bound >= was;
      if (isWider) return [];
    }
    return [
      { at: place(at), why: `${limit} was ${was === undefined ? 'without limit' : text(was)} and is ${text(bound)}` },
    ];
  });
}
