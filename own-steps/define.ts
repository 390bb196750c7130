import { z } from 'zod';
import type { ArtifactKind } from '../contracts/artifacts.ts';
import type { Json } from '../contracts/json.ts';
import type { OwnOutput } from '../contracts/own-kind.ts';

/** Marks what `defineStep` gives, also where another copy of this file made it. */
const stepMark = 'contrail-step/1';

/** What `run` of a step is given. */
export interface OwnStepRun<P, I extends string, O extends string> {
  /** As `with` of the step's file has read them. */
  readonly parameters: P;
  /** The folder, or file, of each input; a copy that can only be read. */
  readonly inputs: Readonly<Record<I, string>>;
  /** The folder to write each output to; it is there, and empty. */
  readonly outputs: Readonly<Record<O, string>>;
  /** Aborted when the step is cancelled; ten seconds later its process is ended. */
  readonly signal: AbortSignal;
  /** A line for `contrail logs`; what is printed goes there too. */
  readonly log: (line: string) => void;
  /** How far it is: from 0 to 1. */
  readonly progress: (fraction: number, text?: string) => void;
  /** Keeps a state for the next attempt; it is in the store when this returns. */
  readonly checkpoint: (state: Json) => Promise<void>;
  /** What was kept last, by this attempt or one before; null where nothing was. */
  readonly restore: () => Json | null;
  readonly run: string;
  readonly step: string;
  /** From 1. */
  readonly attempt: number;
}

export interface OwnStepOptions<
  P extends z.ZodObject,
  R extends z.ZodObject,
  I extends Readonly<Record<string, ArtifactKind>>,
  O extends Readonly<Record<string, OwnOutput>>,
> {
  /** Raise it when the same code gives another result: because of what it fetches, say. @default 1 */
  readonly version?: number;
  readonly description?: string;
  /** The parameters. @default none */
  readonly with?: P;
  /** Artifacts that it takes, by name; the nearest of that kind, unless the pipeline says which. @default none */
  readonly inputs?: I;
  /** Folders that it writes, by name; one of kind `dataset` by `createDatasetWriter` of contrail/dataset. @default none */
  readonly outputs?: O;
  /** The fields of its result. @default none */
  readonly result?: R;
  /** The task queue where the pipeline names none. @default 'cpu' */
  readonly queue?: 'cpu' | 'gpu';
  /** Variables of the worker that it gets; their values are written down nowhere. @default none */
  readonly passEnv?: readonly string[];
  /** Files that it reads beside what it imports: paths and patterns from the folder of the pipeline, where it starts. @default none */
  readonly sources?: readonly string[];
  readonly run: (run: OwnStepRun<z.output<P>, keyof I & string, keyof O & string>) => Promise<z.input<R>> | z.input<R>;
}

/** What `typeof` of a step tells a pipeline in TypeScript. */
export interface OwnStepTypes {
  readonly with: object;
  readonly result: object;
  readonly inputs: object;
  readonly outputs: object;
}

/** A step of the user's own. */
export interface OwnStep<T extends OwnStepTypes = OwnStepTypes> {
  /** Only for the compiler. */
  readonly types?: T;
  readonly mark: typeof stepMark;
  readonly options: Omit<
    OwnStepOptions<z.ZodObject, z.ZodObject, Record<string, ArtifactKind>, Record<string, OwnOutput>>,
    'run'
  > & {
    readonly run: (run: OwnStepRun<unknown, string, string>) => unknown;
  };
}

/**
 * Declares a step of your own; a file's default export is one. `uses: ./steps/dedupe.ts` in a pipeline names the file.
 *
 * It runs in a process of its own. What it throws is tried again, three times unless the pipeline says otherwise; a
 * `PermanentError` is not.
 */
export const defineStep = <
  P extends z.ZodObject = z.ZodObject<Record<never, never>>,
  R extends z.ZodObject = z.ZodObject<Record<never, never>>,
  const I extends Readonly<Record<string, ArtifactKind>> = Record<never, never>,
  const O extends Readonly<Record<string, OwnOutput>> = Record<never, never>,
>(
  options: OwnStepOptions<P, R, I, O>,
): OwnStep<{ with: z.input<P>; result: z.output<R>; inputs: I; outputs: O }> => ({
  mark: stepMark,
  options: options as unknown as OwnStep['options'],
});

/** A failure that another attempt would meet as well. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
}

export { z };
