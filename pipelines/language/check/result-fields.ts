import { z } from 'zod';
import { type ArtifactKind, artifactKindSchema, digestSchema } from '../../../contracts/artifacts.ts';
import type { Json } from '../../../contracts/json.ts';
import type { OwnKind } from '../../../contracts/own-kind.ts';
import { isStepKind, kindOf } from '../../../contracts/step-kinds.ts';
import { suggestion } from '../problems/nearest.ts';

/** A schema without what makes it optional. */
export function bare(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
    ? bare(schema.unwrap() as z.ZodType)
    : schema;
}

/** A step as far as its result follows from it. */
export interface Giver {
  readonly uses: string;
  readonly with: Readonly<Record<string, unknown>>;
  readonly own?: OwnKind | undefined;
}

/** What is wrong with a path into the result of a step; `part` is the number of the part that is wrong. */
export function problemWithField(
  giver: Giver,
  path: readonly string[],
): { readonly part: number; readonly message: string } | null {
  const schema = resultSchema(giver);
  const found = schema && formAt(schema, path);
  if (!found || !('part' in found)) return null;
  const { part, among } = found;
  const [name = ''] = path.slice(part);
  const owner = part === 0 ? (giver.own?.file ?? `a ${giver.uses} step`) : path.slice(0, part).join('.');
  return { part, message: `${owner} has no result ${name}${among ? suggestion(name, among) : ''}` };
}

/** The form of a step's result; null where its kind is not known. */
export const resultSchema = ({ uses, with: parameters, own }: Giver): z.ZodType | null =>
  isStepKind(uses) ? kindOf({ uses, with: parameters, own }).result : null;

/** The form of what is at a path; null where it may be anything; else which part of the path is not there, and what is. */
export function formAt(
  schema: z.ZodType,
  path: readonly string[],
): { readonly schema: z.ZodType } | { readonly part: number; readonly among: readonly string[] | null } | null {
  let at = schema;
  for (const [part, name] of path.entries()) {
    const fields = at instanceof z.ZodObject ? (at.shape as Record<string, z.ZodType>) : null;
    const next = fields?.[name] ?? othersOf(at);
    if (!next) return isAnything(at) ? null : { part, among: fields ? Object.keys(fields) : null };
    at = bare(next);
  }
  return isAnything(at) ? null : { schema: at };
}

/** What is at a path of a step's result; null where nothing is known of it. */
export function fieldAt(giver: Giver, path: readonly string[]): z.ZodType | null {
  let schema = resultSchema(giver);
  for (const name of path) {
    const field: z.ZodType | undefined =
      schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>)[name] : undefined;
    if (!field) return null;
    schema = bare(field);
  }
  return schema;
}

/** Whether a schema is that of an artifact, of whichever kind. */
export const isArtifact = (schema: z.ZodType): boolean =>
  schema instanceof z.ZodObject && schema.shape.digest === digestSchema;

/** The kind of artifact that a schema is of; null where it is none, or of any kind. */
export function kindOfArtifact(schema: z.ZodType): ArtifactKind | null {
  const { kind, digest } = schema instanceof z.ZodObject ? schema.shape : {};
  return digest === digestSchema && kind instanceof z.ZodLiteral ? artifactKindSchema.parse(kind.value) : null;
}

/** Of an object, what a field may be that it does not name. */
function othersOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  const others = schema instanceof z.ZodObject ? (schema.def.catchall as z.ZodType | undefined) : undefined;
  return others instanceof z.ZodNever ? undefined : others;
}

/** Whether a value may have any form, so that nothing can be said of what is in it. */
const isAnything = (schema: z.ZodType): boolean =>
  schema instanceof z.ZodAny || schema instanceof z.ZodUnknown || schema instanceof z.ZodLazy;

/** A result of a step as it could be, to try an expression on. */
export function sampleResult(giver: Giver): Json {
  const schema = resultSchema(giver);
  return schema ? sample(schema) : {};
}

export function sample(written: z.ZodType): Json {
  const schema = bare(written);
  if (schema instanceof z.ZodObject)
    return Object.fromEntries(Object.entries(schema.shape).map(([name, field]) => [name, sample(field as z.ZodType)]));
  if (schema instanceof z.ZodArray) return [sample(schema.element as z.ZodType)];
  if (schema instanceof z.ZodNumber) return 1;
  if (schema instanceof z.ZodBoolean) return true;
  if (schema instanceof z.ZodLiteral) return schema.values.values().next().value as Json;
  if (schema instanceof z.ZodEnum) return schema.options[0] as Json;
  return schema instanceof z.ZodString ? '' : null;
}
