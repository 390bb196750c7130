import { constants } from 'node:os';
import { ContrailError } from '../contracts/errors.ts';
import type { ProgramEnd } from './process-group.ts';

/** @throws ContrailError ProgramFailed, ProgramRefused, FileMissing, InvalidInput that says how the program ended, and what it last printed */
export function requireSuccess(
  end: ProgramEnd,
  last: readonly string[],
  { program, noRetry = [] }: { readonly program: string; readonly noRetry?: readonly number[] },
): void {
  if (end.how === 'exit' && end.code === 0) return;
  if (end.how === 'not-started') {
    const isMissing = end.code === 'ENOENT';
    throw new ContrailError(
      isMissing ? 'FileMissing' : 'InvalidInput',
      isMissing
        ? `There is no program ${program} on this worker, nor among the sources of the step. Install it, or name it by its path from the folder of the pipeline.`
        : `The program ${program} could not be started: ${end.message}.`,
    );
  }
  const how =
    end.how === 'signal'
      ? `was killed by ${end.signal}${end.signal === 'SIGKILL' ? ', as a rule for want of memory' : ''}`
      : `ended with exit code ${end.code}${signalOf(end.code)}`;
  const before = last.slice(0, -1);
  const said =
    last.length > 0
      ? ` It last printed: ${last.at(-1)}${before.length > 0 ? `\nBefore that:\n${before.join('\n')}` : ''}`
      : ' It printed nothing.';
  const isPermanent = end.how === 'exit' && noRetry.includes(end.code);
  throw new ContrailError(isPermanent ? 'ProgramRefused' : 'ProgramFailed', `${program} ${how}.${said}`);
}

/** A shell gives 128 and the number of the signal that ended its program. */
function signalOf(code: number): string {
  const [name] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return name === undefined ? '' : `, which stands for ${name}`;
}
