import { InvalidArgumentError } from 'commander';
import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { openStore } from '../../store/index.ts';
import { setUpdate } from '../../workflows/messages.ts';
import { givenValue } from '../given-value.ts';
import { say } from '../output.ts';
import { keepChanges } from '../recorded-changes.ts';
import { queryStatus } from '../runs.ts';
import { updateRun } from '../update-run.ts';

/** `contrail set`: changes a parameter of a step of a run that goes on. */
export async function setCommand(run: string, change: string): Promise<number> {
  const { step, path, value } = readChange(change);
  const had = await updateRun(run, async (handle, server) => {
    const status = await queryStatus(server, run);
    await handle.executeUpdate(setUpdate, { args: [{ step, path, value }] });
    return status?.steps.find(({ id }) => id === step);
  });
  // A training that runs records its changes itself.
  if (had?.state === 'running') say(`${step}.${path} of ${run} is ${JSON.stringify(value)} from the next epoch on.`);
  else {
    await keepChanges(openStore(openHome().storeUrl), run, step, { [path]: value });
    say(`${step}.${path} of ${run} is ${JSON.stringify(value)} when the step goes on.`);
  }
  return 0;
}

/** Reads `pretrain.epochs=80`; the value is read as YAML. @throws ContrailError Usage */
function readChange(text: string): { readonly step: string; readonly path: string; readonly value: Json } {
  // The values of a matrix may hold dots and equal signs, a path neither.
  const [, step, path, value] = /^(.+?)\.([A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*)=([^=]*)$/s.exec(text) ?? [];
  if (step === undefined || path === undefined || value === undefined)
    throw new ContrailError(
      'Usage',
      `${JSON.stringify(text)} is not step.path=value, such as pretrain.epochs=80 or pretrain.stop.patience=5.`,
    );
  try {
    return { step, path, value: givenValue(value) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new ContrailError('Usage', `${step}.${path}: ${error.message}`, { cause: error });
  }
}
