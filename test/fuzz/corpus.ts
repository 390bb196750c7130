import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameOfInput } from './engine/fuzz.ts';

const folderOf = (target: string) => fileURLToPath(new URL(`corpus/${target}`, import.meta.url));

/** The inputs of a target that were kept, those of all findings among them, by the names of their files. */
export function keptInputs(target: string): ReadonlyMap<string, Uint8Array> {
  const folder = folderOf(target);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

/** Keeps an input, so that every later run begins with it. @returns where */
export function keepInput(target: string, input: Uint8Array): string {
  const folder = folderOf(target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, nameOfInput(input));
  writeFileSync(path, input);
  return path;
}
