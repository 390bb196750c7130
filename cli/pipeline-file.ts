import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import type { Plan } from '../contracts/plan.ts';
import { parsePipeline } from '../pipelines/language/index.ts';
import type { PipelineSource } from '../pipelines/language/parse.ts';

/** Collects `--set name=value`; the value is read as YAML, so `3` is a number. */
export function collectParam(text: string, before: Readonly<Record<string, Json>> = {}): Record<string, Json> {
  const [, name, value] = /^([A-Za-z0-9_-]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be name=value.');
  try {
    return { ...before, [name]: parse(value) as Json };
  } catch {
    return { ...before, [name]: value };
  }
}

/** Reads and checks a pipeline file. @throws ContrailError InvalidPipeline, Usage */
export const readPipelineFile = async (file: string, params: Readonly<Record<string, Json>>): Promise<Plan> =>
  parsePipeline(await readSource(file), params);

/** Reads a pipeline file as it is. @throws ContrailError Usage */
export async function readSource(file: string): Promise<PipelineSource> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new ContrailError(
      'Usage',
      `${file} cannot be read: ${cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'there is no such file' : String(cause)}.`,
      { cause },
    );
  });
  return { text, file: relative('.', file) || file };
}
