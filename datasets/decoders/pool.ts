import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { createBudget } from '../folder/budget.ts';
import { endedDecoder, tookTooLong } from './gave-up.ts';
import { type Decoded, type DecodeWork, decodedSchemas, decoderSaidSchema } from './messages.ts';

/**
 * Processes that decode. A decoder cannot be interrupted, and a thread that is in one cannot be ended: a process can.
 *
 * I1. Each has one piece of work at a time, so ending it costs nothing but that.
 * I2. Work ends within its time, counted from when a process has it: with its result, what the decoder says, or `DecoderGaveUp`. Where the
 *     process ended, or hardly ran in that time because it was stopped, which need not be the file's fault, another has the time once more.
 * I3. A process that was ended is replaced by the next work; one without work ends after a while, and does not keep this process.
 */
export interface Decoders {
  /**
   * @param milliseconds that the work may take
   * @param signal ends the work, for which nobody waits any more
   * @throws DecoderGaveUp; the signal's reason; an Error with what the decoder says of the file
   */
  readonly run: <W extends DecodeWork>(
    work: W,
    milliseconds: number,
    signal?: AbortSignal,
  ) => Promise<Decoded<W['do']>>;
  /** Processes that there are. */
  readonly pids: () => readonly number[];
}

const runner = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
const program = fileURLToPath(new URL('process.ts', import.meta.url));
/** To start, however busy the machine is. */
const startMs = 60_000;

type Heard =
  | { readonly type: 'said'; readonly message: unknown }
  | { readonly type: 'ended'; readonly how: string }
  /** `hasWorked`: whether it ran for some of the time, as far as this system tells. */
  | { readonly type: 'late'; readonly hasWorked: boolean }
  | { readonly type: 'aborted' };

export function createDecoders(size: number, idleMs = 60_000): Decoders {
  const places = createBudget(size);
  const idle = new Map<ChildProcess, NodeJS.Timeout>();
  const all = new Set<ChildProcess>();

  const start = async (): Promise<ChildProcess> => {
    const child = fork(runner, [program], {
      env: childEnvironment(process.env, 'compute'),
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Ctrl-C in the terminal is for the one that started it.
      detached: true,
    });
    all.add(child);
    child.once('exit', () => {
      all.delete(child);
      clearTimeout(idle.get(child));
      idle.delete(child);
    });
    // Its exit tells of what follows from a broken channel.
    child.on('error', () => {});
    const heard = await nextOf(child, startMs);
    if (heard.type === 'said') return child;
    child.kill('SIGKILL');
    throw new ContrailError(
      'TrainerCrashed',
      `A process that decodes images could not be started: it ${heard.type === 'ended' ? `ended (${heard.how})` : `said nothing for ${startMs / 1000} s`}.`,
    );
  };
  const take = async (): Promise<ChildProcess> => {
    const [kept] = idle.keys();
    if (!kept) return start();
    clearTimeout(idle.get(kept));
    idle.delete(kept);
    kept.ref();
    kept.channel?.ref();
    return kept;
  };
  const giveBack = (child: ChildProcess) => {
    child.unref();
    child.channel?.unref();
    idle.set(child, setTimeout(() => child.kill('SIGKILL'), idleMs).unref());
  };
  const runOnce = async (work: DecodeWork, milliseconds: number, signal: AbortSignal | undefined) => {
    const child = await take();
    const answer = nextOf(child, milliseconds, signal);
    child.send(work, () => {});
    const heard = await answer;
    const said = heard.type === 'said' ? decoderSaidSchema.safeParse(heard.message).data : undefined;
    if (said && said.type !== 'ready') giveBack(child);
    else child.kill('SIGKILL');
    return { heard, said };
  };

  return {
    pids: () => [...all].map(({ pid }) => pid ?? 0),
    run: (work, milliseconds, signal) =>
      places.spend(1, async () => {
        signal?.throwIfAborted();
        let { heard, said } = await runOnce(work, milliseconds, signal);
        // It may have been ended by something else than the file.
        const isByOther = heard.type === 'ended' || (heard.type === 'late' && !heard.hasWorked);
        if (isByOther) ({ heard, said } = await runOnce(work, milliseconds, signal));
        if (heard.type === 'aborted') throw signal?.reason;
        if (heard.type === 'late') throw tookTooLong(milliseconds);
        if (heard.type === 'ended') throw endedDecoder(heard.how);
        if (said?.type === 'refused') throw new Error(said.message);
        const result = decodedSchemas[work.do].safeParse(said?.type === 'done' ? said.result : undefined);
        if (!result.success) throw endedDecoder('its answer cannot be read');
        return result.data as Decoded<(typeof work)['do']>;
      }),
  };
}

/** What happens first. */
const nextOf = (child: ChildProcess, milliseconds: number, signal?: AbortSignal) =>
  new Promise<Heard>((resolve) => {
    const hear = (heard: Heard) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      signal?.removeEventListener('abort', onAbort);
      resolve(heard);
    };
    const onMessage = (message: unknown) => hear({ type: 'said', message });
    const onExit = (code: number | null, by: string | null) => hear({ type: 'ended', how: by ?? `exit code ${code}` });
    const onError = ({ message }: Error) => hear({ type: 'ended', how: message });
    const onAbort = () => hear({ type: 'aborted' });
    const before = processorMs(child.pid);
    const timer = setTimeout(() => {
      const after = processorMs(child.pid);
      const hasWorked = before === null || after === null || after - before >= leastWork * milliseconds;
      hear({ type: 'late', hasWorked });
    }, milliseconds);
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });

/** Share of its time that a process which decodes has the processor, at least, however busy the machine is. */
const leastWork = 0.02;
/** Of the kernel's clock, everywhere that Node runs on Linux. */
const tickMs = 10;
/** Places in what /proc/<pid>/stat says after the name of the program. */
const [userAt, systemAt] = [11, 12];

/** Processor time that a process has used so far; null where the system does not tell. */
function processorMs(pid: number | undefined): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return tickMs * (Number(fields[userAt]) + Number(fields[systemAt]));
  } catch {
    return null;
  }
}
