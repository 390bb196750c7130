import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { settingsOf } from '../../pipelines/language/index.ts';
import { damageIn, loadCacheEntry, openStore, requirePlan, unlessDamaged } from '../../store/index.ts';
import { checkRunId } from '../given-names.ts';
import { codeReader } from '../outlook/changed-files.ts';
import { lookAhead, type StepOutlook } from '../outlook/outlook.ts';
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
  if (resume !== undefined) await requirePlan(store, checkRunId(resume));
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
  const members = expected.steps.map((step) => ({ step, settings: settingsOf(step, writtenOf(step.id)) }));
  if (json) {
    const byId = new Map(members.map(({ step, settings }) => [step.id, settings]));
    printJson({ ...ahead, steps: ahead.steps.map((each) => ({ ...each, ...byId.get(each.step) })) });
    return 0;
  }
  print(
    table(
      ['step', 'kind', '', 'why', 'takes about'],
      outlook.steps.map(({ step, uses, decision, reason, seconds }) => [
        step,
        uses,
        words[decision],
        reason,
        decision === 'reuse' || decision === 'skip' ? '' : seconds === null ? 'unknown' : formatSeconds(seconds),
      ]),
      { whole: ['why'] },
    ),
  );
  const least = outlook.unknown.length > 0 ? `, and ${outlook.unknown.join(', ')}, of which nothing is known` : '';
  print(`\n${settingsText(members)}`);
  print(`\nIn all about ${formatSeconds(outlook.seconds)}${least}.`);
  return 0;
}
