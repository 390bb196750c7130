import { log } from '@temporalio/activity';
import { z } from 'zod';
import { artifactRefSchema, codeRefSchema } from '../contracts/artifacts.ts';
import { type StepKey, stepKeySchema } from '../contracts/identifiers.ts';
import { canonicalJson, type Json } from '../contracts/json.ts';
import type { StepKind } from '../contracts/kinds/kind.ts';
import { ownKindSchema } from '../contracts/own-kind.ts';
import { stopsAt } from '../contracts/rung.ts';
import { kindOf, type StepKindName, stepKindNames } from '../contracts/step-kinds.ts';
import {
  artifactsIn,
  damageIn,
  holdArtifacts,
  loadCacheEntry,
  loadStepResult,
  removeStepResult,
  type Store,
  saveStepResult,
  unlessDamaged,
} from '../store/index.ts';
import type { ActivityContext } from './context.ts';
import { checkParameters } from './lookups.ts';
import { writeStepReport } from './step-report.ts';

export const lookUpStepInput = stepKeySchema.extend({
  uses: z.enum(stepKindNames as [StepKindName, ...StepKindName[]]),
  version: z.int(),
  parameters: z.record(z.string(), z.json()),
  /** The parameters hold results of other steps, or changes: they are not validated yet. */
  check: z.boolean(),
  inputs: z.record(z.string(), artifactRefSchema),
  code: codeRefSchema.optional(),
  own: ownKindSchema.optional(),
  /** Of a training that stops at a rung: the epoch that it stops after. */
  until: z.int().positive().optional(),
  /** Where a result may come from; the run's own is forgotten where it may not. */
  reuse: z.strictObject({ own: z.boolean(), cache: z.boolean(), origin: stepKeySchema.optional() }),
});
export type LookUpStepInput = z.input<typeof lookUpStepInput>;

type Result = { readonly [key: string]: Json };

export interface LookedUpStep {
  readonly fingerprint: string;
  /** Validated, with defaults; null where they were valid before. */
  readonly parameters: Result | null;
  readonly found: { readonly result: Result; readonly from: StepKey } | null;
  /** Why a result that is recorded was not taken. */
  readonly refused: string | null;
}

/**
 * Says what a step's result follows from, and whether there is one already: in an earlier attempt of the run, else in the
 * cache. A result counts only where it and all its artifacts are whole. One from the cache becomes the run's own.
 *
 * @throws ContrailError InvalidInput; StoreUnreadable, for what cannot be read may be a result of many hours
 */
export async function lookUpStep({ store }: ActivityContext, input: LookUpStepInput): Promise<LookedUpStep> {
  const {
    run,
    step,
    uses,
    version,
    parameters: given,
    check,
    inputs,
    code,
    own: ofUser,
    until,
    reuse,
  } = lookUpStepInput.parse(input);
  const parameters = check
    ? await checkParameters({ step, uses, parameters: given, ...(ofUser ? { own: ofUser } : {}) })
    : given;
  const fingerprint = canonicalJson({
    ...{ uses, version, with: parameters, inputs },
    ...(code ? { code } : {}),
    ...stopsAt(until, parameters),
  });
  const answer = { fingerprint, parameters: check ? parameters : null };
  const kind = kindOf({ uses, with: parameters, own: ofUser });
  let refused: string | null = null;
  const refuse = (problem: string) => {
    refused = problem;
    log.warn(problem, { run, step });
  };
  const sound = <T>(reading: Promise<T>) => unlessDamaged(reading, refuse);
  const own = reuse.own ? await sound(loadStepResult(store, { run, step })) : null;
  if (!reuse.own) await removeStepResult(store, { run, step });
  const origin = reuse.origin ? await sound(loadStepResult(store, reuse.origin)) : null;
  const entry = reuse.cache && kind.effect !== true ? await sound(loadCacheEntry(store, fingerprint)) : null;
  const candidates = [
    ...(own?.fingerprint === fingerprint ? [{ result: own.result, from: { run, step } }] : []),
    ...(origin?.fingerprint === fingerprint && reuse.origin ? [{ result: origin.result, from: reuse.origin }] : []),
    ...(entry ? [{ result: entry.result, from: { run: entry.run, step: entry.step } }] : []),
  ];
  for (const { result, from } of candidates) {
    const isOwn = from.run === run && from.step === step;
    const damage = (await problemIn(store, kind, result)) ?? (isOwn ? null : await heldProblem(store, result));
    if (damage === null) {
      if (!isOwn) await adopt(store, { run, step }, uses, { fingerprint, result });
      return { ...answer, found: { result, from }, refused };
    }
    refuse(`the result of ${from.run}/${from.step} is not used: ${damage}`);
  }
  return { ...answer, found: null, refused };
}

async function problemIn(store: Store, kind: StepKind, result: unknown): Promise<string | null> {
  const parsed = kind.result.safeParse(result);
  return parsed.success ? damageIn(store, result) : z.prettifyError(parsed.error);
}

/** Keeps the artifacts of a result that is taken over from being collected. @returns what is wrong where they are gone by now */
async function heldProblem(store: Store, result: unknown): Promise<string | null> {
  const [gone] = await holdArtifacts(store, artifactsIn(result));
  return gone ? `\`contrail cache gc\` removed its ${gone.kind} ${gone.digest}` : null;
}

async function adopt(
  store: Store,
  { run, step }: StepKey,
  uses: StepKindName,
  stored: { readonly fingerprint: string; readonly result: Result },
): Promise<void> {
  await writeStepReport(store, { run, step }, uses, stored.result);
  await saveStepResult(store, { run, step }, stored);
}
