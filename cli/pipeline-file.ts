import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import type { Plan } from '../contracts/plan.ts';
import { parsePipeline } from '../pipelines/language/index.ts';

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

/** Collects `--set path=value` for the parameters of a step: `optimizer.learningRate=0.01`. */
export function collectChange(text: string, before: Readonly<Record<string, Json>> = {}): Record<string, Json> {
  const [, path, value] = /^([A-Za-z0-9.]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined)
    throw new InvalidArgumentError('It must be path=value, such as optimizer.learningRate=0.01.');
  try {
    return { ...before, [path]: parse(value) as Json };
  } catch {
    return { ...before, [path]: value };
  }
}

/** Reads and checks a pipeline file. @throws ContrailError InvalidPipeline, Usage */
export async function readPipelineFile(file: string, params: Readonly<Record<string, Json>>): Promise<Plan> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new ContrailError(
      'Usage',
      `${file} cannot be read: ${cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'there is no such file' : String(cause)}.`,
      { cause },
    );
  });
  return parsePipeline({ text, file: relative('.', file) || file }, params);
}
