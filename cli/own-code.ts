import type { CodeRef } from '../contracts/artifacts.ts';
import { canonicalJson } from '../contracts/json.ts';
import type { OwnKind } from '../contracts/own-kind.ts';
import type { Source } from '../contracts/schedules.ts';
import {
  type Code,
  codeOf,
  describeOwnStep,
  filesAmong,
  type OwnStepFile,
  pathOfWord,
  readSources,
  storeCode,
} from '../own-steps/index.ts';
import type { CodeFiles, OwnFiles } from '../pipelines/language/index.ts';
import type { Store } from '../store/index.ts';

/** The files of the user's own that the steps of a pipeline run. */
export interface OwnCode {
  readonly find: OwnFiles;
  /** Learns what steps of the user's own are, each once. They must be known before `find` is asked for them. */
  readonly load: (files: Iterable<string>) => Promise<void>;
  /** The steps of the user's own that could be learned. */
  readonly kinds: () => readonly OwnKind[];
  /** What was found so far, as it is kept with a run. */
  readonly found: () => Pick<Source, 'code' | 'steps'>;
  /** The files of one, by path, with the SHA-256 of each; null where it is none of these. */
  readonly codeOf: (ref: CodeRef) => Code | null;
  readonly store: (store: Store) => Promise<void>;
}

interface Asked {
  readonly command: string[];
  readonly sources: string[];
}

const anything = { type: 'object', properties: {}, additionalProperties: true };

/** Finds files in the folder of a pipeline. Each set of files is read once. */
export function ownCodeIn(folder: string): OwnCode {
  /** By what is asked for: all but the words of a command that are no files. */
  const found = new Map<string, ReturnType<CodeFiles>>();
  const codes = new Map<string, Code>();
  const steps = new Map<string, OwnStepFile>();
  const look: CodeFiles = (request) => {
    const sources = readSources(folder, request);
    if ('problem' in sources) return sources;
    if (sources.files.length === 0) return { code: null };
    const code = codeOf(sources.files);
    codes.set(code.ref.digest, code);
    return { code: code.ref };
  };
  return {
    find: {
      code: ({ command, sources }) => {
        const request = { command: filesAmong(folder, command), sources };
        const key = canonicalJson(request);
        const known = found.get(key) ?? look(request);
        found.set(key, known);
        return known;
      },
      steps: (file) => {
        const step = steps.get(file) ?? { problem: 'the name of its file must stand in the pipeline itself' };
        return 'problem' in step ? step : { kind: step.kind, code: step.code.ref };
      },
    },
    load: async (files) => {
      for (const file of files) {
        if (steps.has(file)) continue;
        const step = await describeOwnStep(folder, file);
        steps.set(file, step);
        if ('code' in step) codes.set(step.code.ref.digest, step.code);
      }
    },
    kinds: () => [...steps.values()].flatMap((step) => ('kind' in step ? [step.kind] : [])),
    found: () => {
      const code = [...found].flatMap(([key, each]) =>
        'code' in each ? [{ ...(JSON.parse(key) as Asked), code: each.code }] : [],
      );
      const known = [...steps].flatMap(([file, step]) =>
        'kind' in step ? [[file, { kind: step.kind, code: step.code.ref }] as const] : [],
      );
      return {
        ...(code.length > 0 ? { code } : {}),
        ...(known.length > 0 ? { steps: Object.fromEntries(known) } : {}),
      };
    },
    codeOf: ({ digest }) => codes.get(digest) ?? null,
    store: async (store) => {
      for (const code of codes.values()) await storeCode(store, code);
    },
  };
}

/** Finds what was kept with a run. */
export const keptCode = ({ code = [], steps = {} }: Pick<Source, 'code' | 'steps'>): OwnFiles => ({
  code: ({ command, sources }) => {
    // Other words, such as the value of a param, may be others now.
    const files = new Set(code.flatMap((each) => each.command));
    const named = [...new Set(command.map(pathOfWord))].filter((word) => files.has(word)).sort();
    const found = code.find((each) => canonicalJson([each.command, each.sources]) === canonicalJson([named, sources]));
    if (found) return { code: found.code };
    return named.length === 0 && sources.length === 0
      ? { code: null }
      : { problem: 'these files were not kept with the run; start a new run for other files' };
  },
  steps: (file) =>
    (Object.hasOwn(steps, file) ? steps[file] : undefined) ?? { problem: 'it was not kept with the run' },
});

/** Takes steps of the user's own as they are written, and looks at no file of theirs: whatever they are given is right. */
export const withoutCode: OwnFiles = {
  steps: (file) => ({
    kind: { file, version: 1, parameters: anything, result: anything, inputs: {}, outputs: {}, passEnv: [] },
    code: undefined,
  }),
};
