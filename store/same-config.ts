import type { CheckpointManifest } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import { canonicalJson, type Json } from '../contracts/json.ts';

/**
 * Checks that a checkpoint belongs to this config and data set.
 *
 * @throws ContrailError ConfigMismatch that lists every difference
 */
export function requireSameConfig(
  { config: stored }: CheckpointManifest,
  config: Readonly<Record<string, Json>>,
): void {
  const differences = differencesBetween(stored as Json, config);
  if (differences.length === 0) return;
  throw new ContrailError(
    'ConfigMismatch',
    `The checkpoints of this run were written with another config (checkpoint → now). Start a new run, or set these back:\n${differences.map((line) => `  ${line}`).join('\n')}`,
  );
}

const isMap = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One line for each value that differs: `optimizer.learningRate: 0.1 → 0.2`. */
export const differencesBetween = (before: Json | undefined, now: Json | undefined): string[] =>
  differencesOf('', before, now);

function differencesOf(path: string, stored: Json | undefined, now: Json | undefined): string[] {
  if (isMap(stored) && isMap(now)) {
    const keys = [...new Set([...Object.keys(stored), ...Object.keys(now)])].sort();
    return keys.flatMap((key) => differencesOf(path === '' ? key : `${path}.${key}`, stored[key], now[key]));
  }
  if (canonicalJson(stored ?? null) === canonicalJson(now ?? null)) return [];
  return [`${path}: ${JSON.stringify(stored) ?? 'absent'} → ${JSON.stringify(now) ?? 'absent'}`];
}
