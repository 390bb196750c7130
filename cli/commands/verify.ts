import pc from 'picocolors';
import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { isTrainingKind } from '../../contracts/training-kinds.ts';
import { openHome } from '../../home/home.ts';
import { openStore } from '../../store/index.ts';
import { verifyEpoch } from '../../worker/verify-epoch.ts';
import { interruptedCode, interruptSignal } from '../interrupt.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { print, printJson, say } from '../output.ts';

import { planByNow } from '../plan-by-now.ts';

const shownTensors = 10;
/** A line at most so often. */
const progressEveryMs = 2000;

/** `contrail verify`: whether an epoch, trained again, gives the same bits. 1 where it does not. */
export async function verifyCommand(
  run: string,
  { step: named, epoch, json }: { readonly step?: string; readonly epoch?: number; readonly json: boolean },
): Promise<number> {
  const { storeUrl, cacheFolder } = openHome();
  const store = openStore(storeUrl);
  const plan = await planByNow(store, run, await requireKnownPlan(store, run));
  const trainings = plan.steps.filter(({ uses }) => isTrainingKind(uses)).map(({ id }) => id);
  const step = named ?? (trainings.length === 1 ? trainings[0] : undefined);
  if (step === undefined || !trainings.includes(step))
    throw new ContrailError(
      'Usage',
      trainings.length === 0
        ? `The run ${run} trains nothing.`
        : `--step must name a training of ${run}: ${trainings.join(', ')}.`,
    );
  const signal = interruptSignal();
  let shownAt = 0;
  try {
    const found = await verifyEpoch(store, { run, step }, epoch ?? null, {
      signal,
      cacheFolder,
      onProgress: ({ phase, done, total, unit, imagesPerSecond }) => {
        if (Date.now() - shownAt < progressEveryMs) return;
        shownAt = Date.now();
        const rate = imagesPerSecond === undefined ? '' : `, ${Math.round(imagesPerSecond)} images/s`;
        say(`${step}: ${phase}, ${done} of ${total} ${unit}${rate}`);
      },
    });
    const isSame = found.digest === found.recorded;
    if (json) printJson({ run, step, same: isSame, ...found });
    else if (isSame)
      print(`${pc.green('same')} Epoch ${found.epoch} of ${step}, trained again, has the digest ${found.digest}.`);
    else {
      print(
        `${pc.red('different')} Epoch ${found.epoch} of ${step}: recorded ${found.recorded}, trained again ${found.digest}`,
      );
      for (const { name, elements, differing, largest } of found.tensors.slice(0, shownTensors))
        print(`  ${name}: ${differing} of ${elements} elements, by ${largest.toPrecision(3)} at most`);
      if (found.tensors.length > shownTensors)
        print(`  and ${times(found.tensors.length - shownTensors, 'more tensor')}`);
      if (found.metadata.length > 0) print(`  beside the tensors: ${found.metadata.join(', ')}`);
      say('Another processor, GPU, number of threads or library rounds differently; `contrail diff` shows versions.');
    }
    return isSame ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    say('Stopped; nothing of the run was touched.');
    return interruptedCode;
  }
}
