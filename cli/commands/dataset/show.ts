import { ContrailError } from '../../../contracts/errors.ts';
import { someOf } from '../../../contracts/some-of.ts';
import { reasonsOf } from '../../../datasets/index.ts';
import { openHome } from '../../../home/home.ts';
import { openStore } from '../../../store/index.ts';
import { type DatasetAccount, datasetAccounts, type PreparedAccount } from '../../dataset-accounts.ts';
import { accountText, classText, nounOf, rejectedLines } from '../../dataset-texts.ts';
import { requireKnownPlan } from '../../known-plan.ts';
import { print, printJson, say } from '../../output.ts';
import { planByNow } from '../../plan-by-now.ts';

export interface DatasetShowOptions {
  readonly step?: string;
  readonly rejected: boolean;
  readonly class?: string;
  readonly json: boolean;
}

/** `contrail dataset show`: what became of every file of the data that a run prepared. */
export async function datasetShowCommand(
  run: string,
  { step, rejected: onlyRejected, class: className, json }: DatasetShowOptions,
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const plan = await planByNow(store, run, await requireKnownPlan(store, run));
  const all = await datasetAccounts(store, run, plan, step);
  const accounts = className === undefined ? all : all.flatMap((account) => ofClass(account, className));
  if (className !== undefined && accounts.length === 0) throw noSuchClass(run, className, all);
  if (json) {
    printJson({ run, datasets: accounts });
    return 0;
  }
  for (const [at, account] of accounts.entries()) {
    if (at > 0) print('');
    if (onlyRejected) tellRejected(account);
    else if (className !== undefined && account.state === 'prepared') print(classText(account));
    else print(accountText(account, run));
  }
  return 0;
}

function tellRejected(account: DatasetAccount): void {
  const rejected = account.state === 'prepared' || account.state === 'refused' ? account.rejected : [];
  if (rejected.length === 0) say(`${account.step}: no ${nounOf(account)} is known to be rejected.`);
  else print(`${account.step}\n${rejectedLines(rejected)}`);
}

/** The part of a data set that is of one class; nothing where it has no such class. */
function ofClass(account: DatasetAccount, name: string): PreparedAccount[] {
  if (account.state !== 'prepared') return [];
  const label = account.classes.indexOf(name);
  if (label < 0) return [];
  const splits = Object.entries(account.splits).map(([split, { perClass }]) => {
    const images = perClass[label] ?? 0;
    return [split, { images, perClass: [images] }];
  });
  const isOfClass = (each: PreparedAccount['rejected'][number]) =>
    account.table ? each.class === name : isInFolder(each.path, name);
  const rejected = account.rejected.filter(isOfClass);
  return [
    {
      ...account,
      classes: [name],
      reasons: reasonsOf(rejected),
      splits: Object.fromEntries(splits),
      incomplete: account.incomplete.filter((each) => each.class === name),
      rejected,
    },
  ];
}

/** A class is a folder beside the others, or one level down in that of its split. */
const isInFolder = (path: string, name: string): boolean =>
  path
    .split('/')
    .slice(0, -1)
    .slice(0, 2)
    .some((folder) => folder.normalize('NFC') === name.normalize('NFC'));

function noSuchClass(run: string, name: string, accounts: readonly DatasetAccount[]): ContrailError {
  const known = [...new Set(accounts.flatMap((account) => (account.state === 'prepared' ? account.classes : [])))];
  return new ContrailError(
    'Usage',
    known.length === 0
      ? `No data of ${run} is there to have a class ${JSON.stringify(name)}.`
      : `The data of ${run} has no class ${JSON.stringify(name)}. There is: ${someOf(known, 10)}.`,
  );
}
