import { InvalidArgumentError } from 'commander';
import type { Json } from '../contracts/json.ts';
import { givenValue } from './given-value.ts';

/** Collects `--set name=value`; the value is read as YAML, so `3` is a number. */
export function collectParam(text: string, before: Readonly<Record<string, Json>> = {}): Record<string, Json> {
  const [, name, value] = /^([A-Za-z0-9_-]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be name=value.');
  return { ...before, [name]: givenValue(value) };
}

/** Collects `--set path=value` for the parameters of a step: `optimizer.learningRate=0.01`. */
export function collectChange(text: string, before: Readonly<Record<string, Json>> = {}): Record<string, Json> {
  const [, path, value] = /^([A-Za-z0-9.]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined)
    throw new InvalidArgumentError('It must be path=value, such as optimizer.learningRate=0.01.');
  return { ...before, [path]: givenValue(value) };
}
