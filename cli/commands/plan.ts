import type { Json } from '../../contracts/json.ts';
import type { PlannedStep } from '../../contracts/plan.ts';
import { openHome } from '../../home/home.ts';
import { settingsOf } from '../../pipelines/language/index.ts';
import { damageIn, loadCacheEntry, openStore, unlessDamaged } from '../../store/index.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { codeReader } from '../outlook/changed-files.ts';
import { lookAhead, type StepOutlook } from '../outlook/outlook.ts';
import { secondsOfTrials, shownName, sweepsText, withTrialsTogether } from '../outlook/trials.ts';
import { formatSeconds, print, printJson, say } from '../output.ts';
import { openPipelineFile } from '../pipeline-file.ts';
import { settingsText } from '../settings-text.ts';
import { table } from '../table.ts';

const words: Readonly<Record<StepOutlook['decision'], string>> = {
  run: 'run',
  reuse: 'reused',
  continue: 'goes on',
  perhaps: 'perhaps',
  skip: 'skip',
  refused: 'refused',
};

/** `contrail plan`: what a run would do, before anything is spent. */
export async function planCommand(
  file: string,
  {
    set,
    resume,
    json,
  }: { readonly set: Readonly<Record<string, Json>>; readonly resume?: string; readonly json: boolean },
): Promise<number> {
  const pipeline = await openPipelineFile(file);
  const plan = pipeline.plan(set);
  const store = openStore(openHome().storeUrl);
  if (resume !== undefined) await requireKnownPlan(store, resume);
  const problems = new Set<string>();
  const onDamage = (problem: string) => void problems.add(problem);
  const cached = async (fingerprint: string) => {
    const entry = await unlessDamaged(loadCacheEntry(store, fingerprint), onDamage);
    return entry && (await damageIn(store, entry.result)) === null ? entry : null;
  };
  const outlook = await lookAhead(store, plan, {
    cached,
    onDamage,
    codeFiles: codeReader(store, pipeline.code),
    ...(resume === undefined ? {} : { resume }),
  });
  for (const problem of problems) say(problem);
  const { plan: expected, ...ahead } = outlook;
  const written = pipeline.written(set);
  // What is said of a step stands for each of a list that it is expanded to.
  const writtenOf = (id: string) => written.get(id) ?? written.get(id.split('@')[0] ?? '') ?? {};
  const withSettings = (step: PlannedStep) => ({ step, settings: settingsOf(step, writtenOf(step.id)) });
  if (json) {
    const members = expected.steps.map(withSettings);
    const byId = new Map(members.map(({ step, settings }) => [step.id, settings]));
    printJson({ ...ahead, steps: ahead.steps.map((each) => ({ ...each, ...byId.get(each.step) })) });
    return 0;
  }
  const shown = withTrialsTogether(expected, outlook.steps);
  print(
    table(
      ['step', 'kind', '', 'why', 'takes about'],
      shown.map(({ step, uses, decisions, reason, seconds }) => [
        step,
        uses,
        decisions.map((decision) => words[decision]).join(', '),
        reason,
        decisions.every((decision) => decision === 'reuse' || decision === 'skip')
          ? ''
          : seconds === null
            ? 'unknown'
            : formatSeconds(seconds),
      ]),
      { whole: ['why'] },
    ),
  );
  if (expected.sweeps) print(`\n${sweepsText(expected)}`);
  const unknown = [...new Set(outlook.unknown.flatMap((step) => shownName(expected, step) ?? []))];
  const least = unknown.length > 0 ? `, and ${unknown.join(', ')}, of which nothing is known` : '';
  // The steps of trials as they stand in the file: what is tried is shown above.
  const asWritten = expected.steps.flatMap((step) => [
    ...(expected.sweeps?.[step.id]?.steps ?? []),
    ...(step.sweep === undefined ? [step] : []),
  ]);
  print(`\n${settingsText(asWritten.map(withSettings))}`);
  const trials = Object.entries(expected.sweeps ?? {}).flatMap(([id, sweep]) => {
    const seconds = secondsOfTrials(expected, id, sweep, outlook.steps);
    return seconds === null ? [] : [` The trials of ${id} are about ${formatSeconds(seconds)} of computing.`];
  });
  print(`\nIn all about ${formatSeconds(outlook.seconds)}${least}.${trials.join('')}`);
  return 0;
}
