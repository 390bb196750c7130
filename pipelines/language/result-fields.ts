import { z } from 'zod';
import type { Json } from '../../contracts/json.ts';
import { isStepKind, stepKinds } from '../../contracts/step-kinds.ts';
import { suggestion } from './nearest.ts';

/** A schema without what makes it optional. */
export function bare(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
    ? bare(schema.unwrap() as z.ZodType)
    : schema;
}

/** What is wrong with a path into the result of a kind of step; `part` is the number of the part that is wrong. */
export function problemWithField(
  uses: string,
  path: readonly string[],
): { readonly part: number; readonly message: string } | null {
  if (!isStepKind(uses)) return null;
  let schema: z.ZodType = stepKinds[uses].result;
  for (const [part, name] of path.entries()) {
    const fields = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : null;
    const next = fields?.[name] ?? (schema instanceof z.ZodRecord ? (schema.valueType as z.ZodType) : undefined);
    if (schema instanceof z.ZodAny || schema instanceof z.ZodUnknown) return null;
    if (!next) {
      const owner = part === 0 ? `a ${uses} step` : path.slice(0, part).join('.');
      return { part, message: `${owner} has no result ${name}${fields ? suggestion(name, Object.keys(fields)) : ''}` };
    }
    schema = bare(next);
  }
  return null;
}

/** A result of a kind as it could be, to try an expression on. */
export const sampleResult = (uses: string): Json => (isStepKind(uses) ? sample(stepKinds[uses].result) : {});

function sample(written: z.ZodType): Json {
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
