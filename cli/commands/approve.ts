import { hostname } from 'node:os';
import { approveUpdate } from '../../workflows/messages.ts';
import { say } from '../output.ts';
import { updateRun } from '../update-run.ts';
import { userName } from '../user-name.ts';

/** `contrail approve`: answers a step that waits for a person. */
export async function approveCommand(
  run: string,
  step: string,
  { as, reason, reject }: { readonly as: string; readonly reason?: string; readonly reject: boolean },
): Promise<number> {
  const request = {
    step,
    as,
    approved: !reject,
    ...(reason === undefined ? {} : { reason }),
    user: userName(),
    host: hostname(),
  };
  await updateRun(run, (handle) => handle.executeUpdate(approveUpdate, { args: [request] }));
  say(`${step} of ${run} is ${reject ? 'rejected' : 'approved'} by ${as}.`);
  return 0;
}
