import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { residentMebibytes } from '../../../bench/memory-use.ts';
import { targetNamed } from '../targets/index.ts';
import { ownFolder } from './folders.ts';
import type { Asked, Said } from './messages.ts';
import { type Outcome, outcomeOf, placeOf, stackOf } from './outcome.ts';
import type { OpenTarget } from './target.ts';

/** The process that runs inputs. What ends it, or keeps it, costs the run nothing but another one. */
process.title = 'contrail fuzz';
// Most inputs end with an error, of which the first places are enough.
Error.stackTraceLimit = 8;

let open: OpenTarget | undefined;
/** What went wrong beside the input that is being read. */
let beside: Outcome | undefined;
const noteBeside = (error: unknown) => {
  beside ??= {
    is: 'finding',
    sign: `unhandled ${error instanceof Error ? error.name : typeof error} ${placeOf(error)}`,
    detail: stackOf(error),
  };
};
process.on('unhandledRejection', noteBeside);
process.on('uncaughtException', noteBeside);
// Of Node's: a person would see it, and some tell of a leak.
process.on('warning', noteBeside);
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const folder = await ownFolder();
const say = (said: Said) => process.send?.(said);
const peakBytes = () => residentMebibytes('peak') * 2 ** 20;
/** Else an input is not seen to need what one before it needed as well. */
const forgetPeak = () => writeFileSync('/proc/self/clear_refs', '5');

async function openTarget(name: string): Promise<void> {
  try {
    open = await targetNamed(name).open({ folder });
    say({ say: 'seeds', seeds: open.seeds });
  } catch (error) {
    say({ say: 'unopened', why: stackOf(error) });
  }
}

async function run(opened: OpenTarget, inputs: readonly Uint8Array[]): Promise<void> {
  for (const input of inputs) {
    beside = undefined;
    forgetPeak();
    const before = { at: performance.now(), processor: process.cpuUsage(), peak: peakBytes() };
    const outcome = await outcomeOf(opened, input);
    const { user, system } = process.cpuUsage(before.processor);
    const peak = peakBytes();
    say({
      say: 'ran',
      outcome: beside ?? outcome,
      cost: {
        wallMs: performance.now() - before.at,
        processorMs: (user + system) / 1000,
        memoryBytes: peak - before.peak,
      },
      peakBytes: peak,
    });
  }
}

let work: Promise<void> = Promise.resolve();
const onMessage = (asked: Asked) => {
  work = work.then(async () => {
    if (asked.do === 'open') {
      await open?.close?.();
      await openTarget(asked.target);
    } else if (asked.do === 'run' && open) await run(open, asked.inputs);
    else if (asked.do === 'close') {
      await open?.close?.();
      await rm(folder, { recursive: true, force: true });
      process.exit(0);
    }
  });
};
process.on('message', onMessage);
