import { z } from 'zod';
import { type ArtifactKind, artifactRefSchema } from '../artifacts.ts';
import type { Recipes } from '../recipes.ts';

/** A reference to an artifact of one kind, as it stands in a result. */
export const artifactOf = <K extends ArtifactKind>(kind: K) => artifactRefSchema.extend({ kind: z.literal(kind) });

/** What a kind takes where its parameters are of some form. */
interface OtherInputs {
  /** In words, for people: `splits` are given. */
  readonly where: string;
  /** @param given as written, perhaps with references */
  readonly holds: (given: Readonly<Record<string, unknown>>) => boolean;
  readonly inputs: Readonly<Record<string, ArtifactKind>>;
}

/** Whether a list of splits, as written, may have test images in it: all splits where there is none. */
export const hasTest = (splits: unknown): boolean =>
  !Array.isArray(splits) || splits.some((split) => !['train', 'validation', 'unseenValidation'].includes(split));

const byProbe = 'take a measure on validation images, such as validationTop1 of a step that uses linear-probe';
/** Of a kind that measures on test images. */
export const seesTestAlways = { when: () => true, instead: byProbe } as const;

/** A kind of step: what `uses` can name. */
export interface StepKind {
  readonly description: string;
  /** Raised when the same parameters no longer give the same result. */
  readonly version: number;
  readonly parameters: z.ZodObject;
  readonly result: z.ZodObject;
  /** Settings that `with: { recipe: … }` stands for. */
  readonly recipes?: Recipes;
  /** Artifacts that it takes from the steps it needs, by parameter name. Of several of one kind, all but the first must be named. */
  readonly inputs: Readonly<Record<string, ArtifactKind>>;
  /** Those of the inputs that it can do without: taken only where they are named. */
  readonly optional?: readonly string[];
  /** Inputs that some parameters ask for, in place of `inputs`. */
  readonly otherInputs?: OtherInputs;
  /** Artifacts that it makes, by the field of its result. One whose field is optional is made where `with` has a parameter of that name. */
  readonly outputs: Readonly<Record<string, ArtifactKind>>;
  /** Where results or outputs depend on the parameters: what they are for some. @param given as written, perhaps with references */
  readonly outcome?: (given: Readonly<Record<string, unknown>>) => Partial<Pick<StepKind, 'result' | 'outputs'>>;
  /**
   * Who does its work: the worker, in one activity; a trainer, as one job; a trainer, as the epoch loop of a workflow; trainers, as
   * many shards of one workflow; a process of the user's own code, which a worker starts only with --own-steps; or nobody, because
   * it waits for a person.
   */
  readonly runs: 'activity' | 'job' | 'training' | 'shards' | 'process' | 'person';
  /** The task queue of its activities where the pipeline names none. */
  readonly queue: 'cpu' | 'gpu';
  /** The output that holds what it measured, which is put into the run's report folder for people. */
  readonly measures?: string;
  /**
   * Of a kind whose result may depend on test images: when it does, and what to write instead. What sweeps and searches choose by may not.
   *
   * @param given as written, perhaps with references
   */
  readonly seesTest?: {
    readonly when: (given: Readonly<Record<string, unknown>>) => boolean;
    readonly instead: string;
  };
  /** Changes something outside its own result: the result of another run is never taken for it. */
  readonly effect?: boolean;
  /** How often it is tried where the pipeline does not say; without a limit where absent. */
  readonly maximumAttempts?: number;
}
