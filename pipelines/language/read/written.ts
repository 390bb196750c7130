import type { Json } from '../../../contracts/json.ts';
import type { StepRole } from '../../../contracts/plan.ts';
import type { Path, Report } from '../problems/problems.ts';

/** What names mean in one file, and where its mistakes are reported. */
export interface Scope {
  readonly report: Report;
  readonly params: Readonly<Record<string, Json>>;
  /** The id in the whole pipeline of a step as this file names it. */
  readonly idOf: (name: string) => string | null;
  /** Every name that `idOf` knows. */
  readonly names: () => readonly string[];
  /** The params are the file's own, not those of the plan. */
  readonly isIncluded: boolean;
}

/** A step as it stands in a file. */
export interface WrittenStep {
  /** In the whole pipeline. */
  readonly id: string;
  readonly role: StepRole;
  /** In its file. */
  readonly path: Path;
  readonly value: Json;
  readonly scope: Scope;
  /** Of a step of a trial: its sweep, and the names of what that tries; null where these are not written out, which was told. */
  readonly sweep?: { readonly of: string; readonly over: readonly string[] | null } | undefined;
}

/** Of `pretrain@seed=1`, `pretrain`: the step in the pipeline. */
export const baseOf = (name: string): string => name.split('@')[0] ?? name;
