import type { CodeRef } from '../contracts/artifacts.ts';
import { canonicalJson } from '../contracts/json.ts';
import type { Source } from '../contracts/schedules.ts';
import { type Code, codeOf, readSources, storeCode } from '../own-steps/index.ts';
import type { CodeFiles } from '../pipelines/language/index.ts';
import type { Store } from '../store/index.ts';

/** The files of the user's own that the steps of a pipeline run. */
export interface OwnCode {
  readonly find: CodeFiles;
  /** What was found so far, as it is kept with a run. */
  readonly found: () => NonNullable<Source['code']>;
  /** The files of one, by path, with the SHA-256 of each; null where it is none of these. */
  readonly codeOf: (ref: CodeRef) => Code | null;
  readonly store: (store: Store) => Promise<void>;
}

/** Finds files in the folder of a pipeline. Each set of files is read once. */
export function ownCodeIn(folder: string): OwnCode {
  const found = new Map<string, ReturnType<CodeFiles>>();
  const codes = new Map<string, Code>();
  const look: CodeFiles = (request) => {
    const sources = readSources(folder, request);
    if ('problem' in sources) return sources;
    if (sources.files.length === 0) return { code: null };
    const code = codeOf(sources.files);
    codes.set(code.ref.digest, code);
    return { code: code.ref };
  };
  return {
    find: (request) => {
      const key = canonicalJson(request);
      const known = found.get(key) ?? look(request);
      found.set(key, known);
      return known;
    },
    found: () =>
      Object.fromEntries([...found].flatMap(([key, each]) => ('code' in each ? [[key, each.code] as const] : []))),
    codeOf: ({ digest }) => codes.get(digest) ?? null,
    store: async (store) => {
      for (const code of codes.values()) await storeCode(store, code);
    },
  };
}

/** Finds what was kept with a run. */
export const keptCode =
  (code: Source['code'] = {}): CodeFiles =>
  (request) => {
    const key = canonicalJson(request);
    const found = Object.hasOwn(code, key) ? code[key] : undefined;
    return found === undefined
      ? { problem: 'these files were not kept with the run; start a new run for other files' }
      : { code: found };
  };
