import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { visible } from '../contracts/visible-text.ts';
import { findPhotos, type GivenPhoto, readNames } from '../datasets/index.ts';
import { openHome } from '../home/home.ts';
import { trainerEnvironment } from '../native/paths.ts';
import type { RejectedPhoto } from '../serving/ask.ts';
import type { UsedModel } from '../serving/find-model.ts';
import { type ModelProcess, startModelProcess } from '../serving/process/model-process.ts';
import { openStore, type Store } from '../store/index.ts';
import { interruptedCode, interruptSignal } from './interrupt.ts';
import { findNamedModel, namedModel } from './named-model.ts';
import { say } from './output.ts';
import type { PhotoOptions } from './photo-options.ts';

/** A model that computes, and the photos that it is to be shown. */
export interface ModelAndPhotos {
  readonly store: Store;
  readonly used: UsedModel;
  readonly photos: readonly GivenPhoto[];
  readonly process: ModelProcess;
  readonly signal: AbortSignal;
}

/**
 * Finds the model and the photos that a command names, starts the model's process, and ends it after the work.
 *
 * @param before is told of the model before anything is started; it may throw
 * @returns the exit code: that of the work, or that of a command that Ctrl-C ended
 * @throws ContrailError Usage where nothing is named, or what is named is not there
 */
export async function withModelAndPhotos(
  names: readonly string[],
  { model, step, list, allowUrls }: PhotoOptions,
  before: (store: Store, used: UsedModel) => Promise<void>,
  work: (opened: ModelAndPhotos) => Promise<number>,
): Promise<number> {
  const run = model === undefined ? names[0] : undefined;
  const rest = model === undefined ? names.slice(1) : names;
  const named = namedModel({ run, model, step }, 'Name a model and then photos');
  const signal = interruptSignal();
  const { storeUrl } = openHome();
  const store = openStore(storeUrl);
  const used = await findNamedModel(store, named);
  await before(store, used);
  const given = list ? [...rest.filter((name) => name !== '-'), ...(await readNames(process.stdin))] : rest;
  if (given.length === 0)
    throw new ContrailError(
      'Usage',
      list ? 'Standard input names no photo.' : 'Name photos: files, folders, or - for an image on standard input.',
    );
  const fetchTo = allowUrls ? await mkdtemp(join(tmpdir(), 'contrail-photos-')) : null;
  let started: ModelProcess | null = null;
  try {
    const photos = await findPhotos(given, { stdin: process.stdin, fetchTo, signal });
    if (photos.length === 0) throw new ContrailError('Usage', 'There is no file in what is named.');
    const { encoder, classifier } = used;
    started = await startModelProcess({
      ...{ storeUrl, encoder, classifier },
      environment: trainerEnvironment(),
      log: () => {},
    });
    return await work({ store, used, photos, process: started, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    say('Stopped; nothing was written.');
    return interruptedCode;
  } finally {
    await started?.close();
    if (fetchTo !== null) await rm(fetchTo, { recursive: true, force: true });
  }
}

const shownRejected = 50;

/**
 * Says on standard error which photos could not be used, why the first of them could not, and how many there are.
 *
 * @returns the exit code: 1 where none could
 */
export function tellRejected(rejected: readonly RejectedPhoto[], all: number): number {
  for (const { name, rejected: reason } of rejected.slice(0, shownRejected)) say(`${visible(name)} ${reason}`);
  if (rejected.length > shownRejected) say(`… and ${rejected.length - shownRejected} more`);
  if (rejected.length > 0)
    say(
      rejected.length === all
        ? all === 1
          ? 'The photo could not be used.'
          : `None of ${all} photos could be used.`
        : `${rejected.length} of ${all} photos could not be used.`,
    );
  return rejected.length === all ? 1 : 0;
}
