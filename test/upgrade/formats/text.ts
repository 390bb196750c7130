import { approvalDecisionSchema } from '../../../contracts/approval.ts';
import { artifactKinds, artifactRefSchema, digestSchema, splitNameSchema } from '../../../contracts/artifacts.ts';
import { epochMetricsSchema } from '../../../contracts/checkpoints.ts';
import { encoderOriginSchema } from '../../../contracts/encoder-origin.ts';
import { plannedStepIdSchema, runIdSchema, stepIdSchema } from '../../../contracts/identifiers.ts';
import { canonicalJson, type Json } from '../../../contracts/json.ts';
import { artifactOf } from '../../../contracts/kinds/kind.ts';
import { lossSchema } from '../../../contracts/losses.ts';
import { ownKindSchema } from '../../../contracts/own-kind.ts';
import { plannedStepSchema, scheduleSchema } from '../../../contracts/plan.ts';
import { sourceSchema } from '../../../contracts/schedules.ts';
import {
  checkpointSchema,
  classifierConfigSchema,
  encoderSchema,
  trainingConfigSchema,
} from '../../../contracts/training.ts';
import { trainingChangeSchema } from '../../../contracts/training-changes.ts';
import type { FormatRecord } from './record.ts';
import { type Shape, shapeOf } from './shape.ts';

/**
 * A record of formats as a file that a person can review: what fits into a line stays in one, and what many formats have in common
 * stands once, under a name that others refer to by `$name`.
 */
interface RecordFile {
  readonly shared: { readonly [name: string]: Json };
  readonly formats: { readonly [name: string]: Json };
}

/** What is shared has a name of its own; whole formats that others hold have theirs. */
const named = {
  digest: digestSchema,
  artifact: artifactRefSchema,
  ...Object.fromEntries(artifactKinds.map((kind) => [`artifact ${kind}`, artifactOf(kind)])),
  'artifact kind': artifactRefSchema.shape.kind,
  'step kind': plannedStepSchema.shape.uses,
  split: splitNameSchema,
  run: runIdSchema,
  step: stepIdSchema,
  'planned step id': plannedStepIdSchema,
  'planned step': plannedStepSchema,
  'schedule config': scheduleSchema,
  decision: approvalDecisionSchema,
  'epoch metrics': epochMetricsSchema,
  'encoder origin': encoderOriginSchema,
  'encoder config': encoderSchema,
  'checkpoint settings': checkpointSchema,
  'classifier config': classifierConfigSchema,
  'training config': trainingConfigSchema,
  'training change': trainingChangeSchema,
  loss: lossSchema,
  'own kind': ownKindSchema,
  source: sourceSchema,
} as const;

const shortest = 60;

export function recordText(record: FormatRecord): string {
  const shared = new Map(Object.entries(named).map(([name, schema]) => [name, shapeOf(schema, name)]));
  const byContent = new Map<string, string>();
  for (const [name, { shape }] of Object.entries(record)) byContent.set(canonicalJson(shape), name);
  for (const [name, shape] of shared) byContent.set(canonicalJson(shape), name);
  const used = new Set<string>();
  const short = (value: unknown, own: string): Json => {
    const content = canonicalJson(value);
    const name = byContent.get(content);
    if (name !== undefined && name !== own && content.length > shortest) {
      used.add(name);
      return `$${name}`;
    }
    if (Array.isArray(value)) return value.map((each) => short(each, own));
    if (typeof value !== 'object' || value === null) return value as Json;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, short(each, own)]));
  };
  const formats = Object.fromEntries(
    Object.entries(record).map(([name, each]) => [
      name,
      { ...each, shape: short(each.shape, name) } as unknown as Json,
    ]),
  );
  const definitions = new Map([...shared].map(([name, shape]) => [name, short(shape, name)]));
  const kept = [...definitions].filter(([name]) => used.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  const file: RecordFile = { shared: Object.fromEntries(kept), formats };
  return `${lines(file as unknown as Json, '')}\n`;
}

/** The reverse of `recordText`. @throws Error for a name that nothing has */
export function recordFromText(text: string): FormatRecord {
  const { shared, formats } = JSON.parse(text) as RecordFile;
  const whole = (value: Json): Json => {
    if (typeof value === 'string' && value.startsWith('$')) {
      const name = value.slice(1);
      const found = shared[name] ?? (formats[name] as { readonly shape: Json } | undefined)?.shape;
      if (found === undefined) throw new Error(`No format is called ${name}.`);
      return whole(found);
    }
    if (Array.isArray(value)) return value.map(whole);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, whole(each)]));
  };
  return Object.fromEntries(
    Object.entries(formats).map(([name, each]) => {
      const format = each as unknown as FormatRecord[string] & { readonly shape: Json };
      return [name, { ...format, shape: whole(format.shape) as Shape }];
    }),
  );
}

const widest = 120;

function lines(value: Json, indent: string): string {
  const short = shortText(value);
  if (short.length + indent.length <= widest && indent !== '') return short;
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((each) => inner + lines(each, inner)).join(',\n')}\n${indent}]`;
  if (typeof value !== 'object' || value === null) return short;
  const members = Object.entries(value).map(([key, each]) => `${inner}${JSON.stringify(key)}: ${lines(each, inner)}`);
  return `{\n${members.join(',\n')}\n${indent}}`;
}

function shortText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(shortText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${shortText(each)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
