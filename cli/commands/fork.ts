import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import type { Plan } from '../../contracts/plan.ts';
import { isTrainingKind } from '../../contracts/training-kinds.ts';
import { openHome } from '../../home/home.ts';
import {
  loadPlan,
  loadRunRecord,
  loadStepResults,
  openCheckpoints,
  openStore,
  recordFork,
  type Store,
} from '../../store/index.ts';
import { announce } from '../announce.ts';
import { withServer } from '../connection.ts';
import { driftOf, driftTable } from '../drift.ts';
import { followToEnd } from '../follow-to-end.ts';
import { checkRunId } from '../given-names.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { printJson, say } from '../output.ts';
import { planAgain } from '../plan-again.ts';
import { planByNow } from '../plan-by-now.ts';
import { newRunId, startRun } from '../runs.ts';
import { staleDataLines } from '../stale-data.ts';

export interface ForkOptions {
  readonly from: string;
  readonly set: Readonly<Record<string, Json>>;
  readonly id?: string;
  readonly detach: boolean;
  readonly json: boolean;
}

/** `contrail fork`: a new run that begins where another one was. */
export async function forkCommand(origin: string, { from, set, id, detach, json }: ForkOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const before = await requireKnownPlan(store, origin);
  const { step, epoch: wanted } = readPoint(await planByNow(store, origin, before), from);
  const now = await planAgain(store, origin, before, set);
  const { name, epoch } = await findCheckpoint(store, { run: origin, step }, wanted);
  const run = checkRunId(id ?? newRunId(now.name));
  if (await loadPlan(store, run))
    throw new ContrailError('Usage', `There is a run ${run} already. Choose another --id.`);
  const source = (await loadRunRecord(store, origin))?.source;
  return withServer(async (server) => {
    const all = await driftOf(store, origin, { before, now }, {}, { step, epoch });
    const drift = all.filter(({ what }) => what.startsWith(`${step}.`));
    if (drift.length > 0) say(driftTable(drift));
    const refused = drift.filter(({ needs }) => needs === 'refused').map(({ what }) => what);
    if (refused.length > 0)
      throw new ContrailError('Usage', `${refused.join(', ')} cannot change in a fork: start a new run for it.`);
    const results = await loadStepResults(store, origin);
    for (const line of await staleDataLines(store, results, now, () => 'A new run reads it again.')) say(line);
    // First what keeps the checkpoint, then what needs it.
    await openCheckpoints(store, { run: origin, step }).pin(name);
    await recordFork(store, origin, { run, step, epoch, createdAt: new Date().toISOString() });
    await startRun(server, store, run, now, false, {
      ...(source ? { source } : {}),
      fork: { run: origin, step, epoch },
    });
    announce(server, run, `Started ${run} from ${step} of ${origin} after epoch ${epoch}`);
    if (!detach) return followToEnd(server, store, run, json);
    if (json) printJson({ run, origin, step, epoch });
    return 0;
  });
}

/** Reads `pretrain` or `pretrain@12`; one of a matrix has an @ of its own. @throws ContrailError Usage */
export function readPoint({ steps }: Plan, text: string): { readonly step: string; readonly epoch: number | null } {
  const of = steps.find(
    ({ id, sweep }) =>
      sweep !== undefined && [id, ...id.split('@', 1)].some((each) => text === each || text.startsWith(`${each}@`)),
  );
  if (of)
    throw new ContrailError(
      'Usage',
      `--from ${text} names a step of the trials of ${of.sweep}, whose parameters the search decides, so a fork would train the same again. A training of its own with the parameters of the trial (docs/sweeps.md) can be forked; \`contrail resume <run> --set\` goes on with the search.`,
    );
  const trainings = steps.filter(({ uses, sweep }) => isTrainingKind(uses) && sweep === undefined).map(({ id }) => id);
  if (trainings.includes(text)) return { step: text, epoch: null };
  const [, step, epoch] = /^(.+)@([1-9]\d{0,6})$/.exec(text) ?? [];
  if (step !== undefined && trainings.includes(step)) return { step, epoch: Number(epoch) };
  throw new ContrailError(
    'Usage',
    `--from ${text} names no training; give ${trainings.join(' or ') || 'a run that has one'}, with @ and an epoch if it is not the newest.`,
  );
}

/** @throws ContrailError Usage that lists the epochs that are kept */
async function findCheckpoint(store: Store, key: { run: string; step: string }, wanted: number | null) {
  const checkpoints = openCheckpoints(store, key);
  const kept = [
    ...new Set((await checkpoints.list()).flatMap(({ manifest }) => (manifest.step === 0 ? [manifest.epoch] : []))),
  ];
  const upTo = wanted === null ? {} : { upTo: { epoch: wanted, step: 0 } };
  const { newest, rejected } = await checkpoints.newestValid({ ...upTo, wholeEpochs: true });
  if (newest && (wanted === null || newest.manifest.epoch === wanted))
    return { name: newest.name, epoch: newest.manifest.epoch };
  const damaged = rejected.map(({ name, reason }) => ` ${name}: ${reason}.`).join('');
  throw new ContrailError(
    'Usage',
    `${key.run}/${key.step} keeps no sound checkpoint${wanted === null ? '' : ` of epoch ${wanted}`}; it keeps those of epochs ${kept.join(', ') || 'none'}.${damaged} checkpoint.keep says which are kept.`,
  );
}
