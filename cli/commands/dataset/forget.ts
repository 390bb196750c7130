import { hostname } from 'node:os';
import { ContrailError } from '../../../contracts/errors.ts';
import { someOf } from '../../../contracts/some-of.ts';
import { type FoundImage, findImage, forgetImage, imageNamed } from '../../../datasets/index.ts';
import { openHome } from '../../../home/home.ts';
import { listFolders, loadPlan, loadStepResult, openStore, type Store, unlessDamaged } from '../../../store/index.ts';
import { confirm } from '../../confirm.ts';
import { type ServerClient, withServer } from '../../connection.ts';
import { forgottenText, foundText } from '../../forget-texts.ts';
import { makesData } from '../../forgotten-since.ts';
import { inTurns } from '../../in-turns.ts';
import { print, printJson, say } from '../../output.ts';
import { findRun } from '../../runs.ts';
import { userName } from '../../user-name.ts';

export interface DatasetForgetOptions {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/**
 * `contrail dataset forget`: removes an image from the store, and says what was made with it. Only the server knows which runs go
 * on, so it is asked.
 */
export async function datasetForgetCommand(
  image: string,
  { dryRun, yes, json }: DatasetForgetOptions,
): Promise<number> {
  const { storeUrl, cacheFolder } = openHome();
  const store = openStore(storeUrl);
  const first = await findImage(store, [await imageNamed(store, image)]);
  return withServer(async (server) => {
    const requireQuiet = (found: FoundImage) => requireNoRun(server, store, found);
    await requireQuiet(first);
    // Who says --yes has seen it, in a dry run.
    if (!json && (dryRun || !yes)) print(foundText(first));
    if (dryRun) {
      if (json) printJson({ dryRun, ...plain(first) });
      return 0;
    }
    if (!yes && !(await confirm('Remove it, for good?'))) return 1;
    const by = `${userName()}@${hostname()}`;
    const { found, record } = await forgetImage(store, first, { image, by, requireQuiet, cacheFolder });
    if (json) printJson({ dryRun, at: record.at, by, ...plain(found) });
    else {
      const holds = found.rows.size > 0 || found.uses.emptied.length > 0;
      say(
        `${holds ? (yes ? forgottenText(found) : 'Forgotten.') : 'Nothing here held it, so nothing was removed: make sure that it is the image you mean.'} Data is prepared without it from now on; ${store.locate('forgotten')} has the record.`,
      );
    }
    return 0;
  });
}

const plain = ({ sources, rows, called, uses, untold }: FoundImage) => ({
  sources,
  called,
  rows: [...rows].flatMap(([dataset, found]) => found.map((each) => ({ dataset, ...each }))),
  ...uses,
  untold,
});

/** @throws ContrailError Usage where a run goes on that uses the image, or has a step to come that may prepare data with it */
async function requireNoRun(server: ServerClient, store: Store, { uses }: FoundImage): Promise<void> {
  const users = new Set(uses.runs.map(({ run }) => run));
  const asked: string[] = [];
  for (const run of await listFolders(store, 'runs'))
    if (users.has(run) || (await mayPrepare(store, run))) asked.push(run);
  const running = await inTurns(asked, async (run) => (await findRun(server, run))?.status.name === 'RUNNING');
  const going = asked.filter((_, at) => running[at]);
  const [one] = going;
  if (one !== undefined)
    throw new ContrailError(
      'Usage',
      `The run ${one} goes on and ${users.has(one) ? 'uses' : 'may use'} the image${going.length > 1 ? `, as do ${someOf(going.slice(1))}` : ''}: nothing is removed. Wait for its end, or stop it with \`contrail cancel ${one}\`; then do this again.`,
    );
}

/** Whether a run has a step that is not done and that may prepare data. */
async function mayPrepare(store: Store, run: string): Promise<boolean> {
  const plan = await loadPlan(store, run);
  for (const { id, uses } of plan?.steps ?? [])
    if (makesData(uses) && !(await unlessDamaged(loadStepResult(store, { run, step: id }), () => {}))) return true;
  return false;
}
