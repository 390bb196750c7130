import { type ArtifactRef, artifactRefSchema, type DatasetAbout } from '../contracts/artifacts.ts';
import { dataSummaryOf } from '../contracts/data-account.ts';
import { ContrailError } from '../contracts/errors.ts';
import { fileList } from '../contracts/file-list.ts';
import type { DataSummary } from '../contracts/kinds/prepare-data.ts';
import { tellsOfEnd, tellsOfStart } from '../contracts/logs.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import { kindOf } from '../contracts/step-kinds.ts';
import {
  describeDataset,
  type ListLine,
  listsRows,
  type ReasonCount,
  readLines,
  reasonsOf,
} from '../datasets/index.ts';
import { loadStepResults, readRunLog, readText, reportFolder, type Store, unlessDamaged } from '../store/index.ts';
import { forgottenSince } from './forgotten-since.ts';
import { say } from './output.ts';

/** A file that cannot be used, its place, and why. */
interface Rejected {
  readonly path: string;
  readonly reason: string;
  /** The class that its row names, of a table. */
  readonly class?: string;
}

/** The step that makes a data set, and the field of its result that names it. */
interface Made {
  readonly step: string;
  readonly field: string;
}

/** A data set that is there. */
export type PreparedAccount = Made & {
  readonly state: 'prepared';
  readonly digest: string;
  readonly name: string;
  readonly image: DatasetAbout['image'];
  /** Images of each split, and of each class in it, in the order of `classes`. */
  readonly splits: Readonly<Record<string, { readonly images: number; readonly perClass: readonly number[] }>>;
  readonly classes: readonly string[];
  /** What images have labels of besides their class, where they do. */
  readonly labels?: readonly string[];
  readonly files: DataSummary['files'] | null;
  /** The table whose rows were counted, and the corrections that were applied, where there are any. */
  readonly table?: DataSummary['table'];
  readonly relabels?: DataSummary['relabels'];
  readonly ignored: Readonly<Record<string, number>>;
  readonly incomplete: NonNullable<DataSummary['incomplete']>;
  readonly reasons: readonly ReasonCount[];
  readonly rejected: readonly Rejected[];
  readonly warnings: readonly string[];
  readonly copies: DataSummary['copies'];
  /** Images that were forgotten after it was made. */
  readonly forgotten: number;
  readonly folder: string | null;
  readonly list: string | null;
};

/** What is known of data that a step makes. */
export type DatasetAccount =
  | PreparedAccount
  /** The step found files and made no data set of them. */
  | (Made & {
      readonly state: 'refused';
      /** What was counted. */
      readonly of: 'files' | 'rows';
      readonly found: number;
      readonly problems: readonly string[];
      readonly reasons: readonly ReasonCount[];
      readonly rejected: readonly Rejected[];
      readonly list: string;
    })
  /** It was made, and cannot be read any more: why. */
  | (Made & { readonly state: 'lost'; readonly digest: string; readonly problem: string })
  /** The step has begun, and neither failed nor made it yet, as far as the log of the run tells. */
  | (Made & { readonly state: 'preparing' })
  /** The step is not done. */
  | (Made & { readonly state: 'open' });

/**
 * What became of the files of each data set that a run makes, from the store alone: also of a step whose result was taken
 * from another run, and of one that refused its data.
 *
 * @param plan of the run, by now
 * @param only a step, where the others are of no interest
 * @throws ContrailError Usage where no step makes data, or not that one; StoreUnreadable
 */
export async function datasetAccounts(
  store: Store,
  run: string,
  plan: Plan,
  only?: string,
): Promise<readonly DatasetAccount[]> {
  const made = plan.steps.flatMap(madeBy);
  const chosen = only === undefined ? made : made.filter(({ step }) => step === only);
  if (chosen.length === 0)
    throw new ContrailError(
      'Usage',
      made.length === 0
        ? `No step of ${run} prepares data.`
        : `${run} has no step ${only} that prepares data. There is: ${[...new Set(made.map(({ step }) => step))].join(', ')}.`,
    );
  const results = await loadStepResults(store, run, say);
  const since = await forgottenSince(store);
  const hasBegun = await stepsInWork(
    store,
    run,
    chosen.some(({ step }) => !results[step]),
  );
  return Promise.all(
    chosen.map(async ({ list, ...each }) => {
      const result = results[each.step]?.result;
      const ref = artifactRefSchema.safeParse(result?.[each.field]);
      if (!ref.success) {
        // Its list may be there already, or be that of an earlier attempt.
        if (hasBegun(each.step)) return { ...each, state: 'preparing' };
        return (await refusedAccount(store, each, `${reportFolder(run)}/${list}`)) ?? openOf(each);
      }
      return preparedAccount(store, each, ref.data, {
        summary: dataSummaryOf(result ?? {}),
        list: `${reportFolder(run)}/${list}`,
        forgotten: since(ref.data.digest),
      });
    }),
  );
}

/** The steps of which the last that the log tells is that an attempt began. @param isWanted false: nobody asks */
async function stepsInWork(store: Store, run: string, isWanted: boolean): Promise<(step: string) => boolean> {
  const begun = new Set<string>();
  const { lines } = isWanted ? await readRunLog(store, run, undefined, say) : { lines: [] };
  for (const { step, level, source, message } of lines) {
    if (source === 'worker' && tellsOfStart(message)) begun.add(step);
    else if (level === 'error' || (source === 'worker' && tellsOfEnd(message))) begun.delete(step);
  }
  return (step) => begun.has(step);
}

const openOf = (made: Made): DatasetAccount => ({ ...made, state: 'open' });

/** The data sets that a step makes, each with the name of the list of its files; one that chooses among others makes none. */
function madeBy(step: PlannedStep): (Made & { readonly list: string })[] {
  if (step.uses === 'choose') return [];
  return Object.entries(kindOf(step).outputs).flatMap(([field, kind]) => {
    const list = fileList(step.id, step.uses === 'prepare-data' ? undefined : field);
    return kind === 'dataset' ? [{ step: step.id, field, list }] : [];
  });
}

async function preparedAccount(
  store: Store,
  made: Made,
  ref: ArtifactRef,
  {
    summary,
    list,
    forgotten,
  }: { readonly summary: Partial<DataSummary>; readonly list: string; readonly forgotten: number },
): Promise<DatasetAccount> {
  let problem = '';
  const about = await unlessDamaged(describeDataset(store, ref), (what) => {
    problem = what;
  });
  if (!about) return { ...made, state: 'lost', digest: ref.digest, problem };
  const { name, image, classes, labels, splits } = about;
  const listed = summary.list ?? list;
  const rejected = (summary.table && (await rejectedRows(store, listed))) || about.rejected;
  return {
    ...made,
    state: 'prepared',
    digest: ref.digest,
    ...{ name, image, classes, rejected },
    ...(labels ? { labels } : {}),
    splits: Object.fromEntries(
      Object.entries(splits).flatMap(([split, own]) =>
        own ? [[split, { images: own.count, perClass: own.perClass }]] : [],
      ),
    ),
    files: summary.files ?? null,
    ...(summary.table ? { table: summary.table } : {}),
    ...(summary.relabels ? { relabels: summary.relabels } : {}),
    ignored: summary.ignored ?? {},
    incomplete: summary.incomplete ?? [],
    reasons: reasonsOf(rejected),
    warnings: summary.warnings ?? [],
    copies: summary.copies ?? [],
    forgotten,
    folder: summary.folder ?? null,
    list: (await store.exists(listed)) ? store.locate(listed) : null,
  };
}

/** What a list says of a table that was read, or of corrections: they are not among what was found. */
const tables: readonly string[] = ['table', 'relabels'];

/** The rejected rows of a table, each with its class, where the list tells; null where there is none. */
async function rejectedRows(store: Store, list: string): Promise<readonly Rejected[] | null> {
  const text = await readText(store, list);
  return text === null ? null : rejectedIn([...readLines(text)]);
}

const rejectedIn = (lines: readonly ListLine[]): Rejected[] =>
  lines.flatMap(({ what, path, why, class: name }) =>
    what === 'rejected' ? [{ path, reason: why, ...(name === '' ? {} : { class: name }) }] : [],
  );

/** What the list says of a step that made no data set; null where it wrote none. */
async function refusedAccount(store: Store, made: Made, list: string): Promise<DatasetAccount | null> {
  const text = await readText(store, list);
  if (text === null) return null;
  const lines = [...readLines(text)];
  const rejected = rejectedIn(lines);
  return {
    ...made,
    state: 'refused',
    of: listsRows(text) ? 'rows' : 'files',
    found: lines.filter(({ what, path }) => path !== '' && !tables.includes(what)).length,
    problems: lines.flatMap(({ what, why }) => (what === 'problem' ? [why] : [])),
    reasons: reasonsOf(rejected),
    rejected,
    list: store.locate(list),
  };
}
