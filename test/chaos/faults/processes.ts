import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { trainersOf } from '../../../bench/trainer-processes.ts';
import { runProgram } from '../../../native/programs.ts';
import { send } from '../processes.ts';
import type { Kept } from '../world.ts';
import type { Fault, Strike } from './fault.ts';

/** Longer than a heartbeat may be missing: another worker has the work by then. */
const pastTimeouts = [18_000, 26_000] as const;
/** How long a process is away before something starts it again. */
const away = [0, 3000] as const;

function trainer({ run, draw }: Strike): number | null {
  const found = trainersOf(run);
  return found.length === 0 ? null : draw.oneOf('trainer', found);
}

const worker = ({ world, draw }: Strike): Kept => draw.oneOf('worker', world.workers);

/** Does something to a trainer, if one lives. */
const toTrainer = (does: (pid: number, strike: Strike) => Promise<string | null>) => async (strike: Strike) => {
  const pid = trainer(strike);
  return pid === null ? null : does(pid, strike);
};

const signalled = (signal: NodeJS.Signals) => toTrainer(async (pid) => (send(pid, signal) ? `process ${pid}` : null));

/** Stops processes, and lets them go on. */
async function stopped(pids: readonly number[], ms: number): Promise<string> {
  for (const pid of pids) send(pid, 'SIGSTOP');
  await sleep(ms);
  for (const pid of pids) send(pid, 'SIGCONT');
  return `${ms} ms`;
}

const endOf = (kept: (strike: Strike) => Kept, signal: 'SIGKILL' | 'SIGTERM') => async (strike: Strike) => {
  const awayMs = strike.draw.between('away', ...away);
  await kept(strike).end(signal, awayMs);
  return `away for ${awayMs} ms`;
};

export const processFaults: readonly Fault[] = [
  { name: 'trainer: SIGKILL', weight: 8, needs: ['training'], strike: signalled('SIGKILL') },
  { name: 'trainer: SIGTERM', weight: 3, needs: ['training'], strike: signalled('SIGTERM') },
  {
    name: 'trainer: stopped for a moment',
    weight: 2,
    needs: ['training'],
    strike: toTrainer((pid, { draw }) => stopped([pid], draw.between('stopped', 500, 4000))),
  },
  {
    name: 'trainer: stopped past every heartbeat',
    weight: 1,
    needs: ['training'],
    strike: toTrainer((pid, { draw }) => stopped([pid], draw.between('stopped', ...pastTimeouts))),
  },
  {
    name: 'trainer: no memory is left',
    weight: 3,
    needs: ['training'],
    // It may have no more than it has: what it asks for next, it does not get.
    strike: toTrainer(async (pid) => {
      try {
        const bytes = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[0]) * 4096;
        await runProgram('prlimit', ['--pid', String(pid), `--as=${bytes}`]);
        return `${Math.round(bytes / 2 ** 20)} MiB`;
      } catch {
        // It ended meanwhile.
        return null;
      }
    }),
  },
  { name: 'worker: SIGKILL', weight: 8, strike: endOf(worker, 'SIGKILL') },
  { name: 'worker: SIGTERM', weight: 3, strike: endOf(worker, 'SIGTERM') },
  {
    name: 'worker: stopped past every heartbeat',
    weight: 2,
    strike: async (strike) => {
      const ms = strike.draw.between('stopped', ...pastTimeouts);
      return stopped([worker(strike).pid()], ms);
    },
  },
  {
    name: 'both workers and their trainers: stopped past every heartbeat',
    weight: 1,
    strike: async ({ world, run, draw }) => {
      const ms = draw.between('stopped', ...pastTimeouts);
      return stopped([...world.workers.map(({ pid }) => pid()), ...trainersOf(run)], ms);
    },
  },
  {
    name: 'a worker and the trainers: stopped while another takes over, then two believe they own the run',
    weight: 2,
    needs: ['training'],
    strike: async (strike) => {
      const trainers = trainersOf(strike.run);
      if (trainers.length === 0) return null;
      return stopped([worker(strike).pid(), ...trainers], strike.draw.between('stopped', ...pastTimeouts));
    },
  },
  { name: 'server: SIGKILL', weight: 5, strike: endOf(({ world }) => world.server, 'SIGKILL') },
  { name: 'server: SIGTERM', weight: 2, strike: endOf(({ world }) => world.server, 'SIGTERM') },
  {
    name: 'server: stopped',
    weight: 2,
    strike: ({ world, draw }) => stopped([world.server.pid()], draw.between('stopped', 1000, 20_000)),
  },
  {
    name: 'trainer and worker: SIGKILL together',
    weight: 4,
    needs: ['training'],
    strike: toTrainer(async (pid, strike) => {
      send(pid, 'SIGKILL');
      return endOf(worker, 'SIGKILL')(strike);
    }),
  },
  {
    name: 'both workers: SIGKILL together',
    weight: 3,
    strike: async ({ world, draw }) => {
      const awayMs = draw.between('away', ...away);
      await Promise.all(world.workers.map((each) => each.end('SIGKILL', awayMs)));
      return `away for ${awayMs} ms`;
    },
  },
  {
    name: 'trainers, workers and server: SIGKILL together',
    weight: 4,
    strike: async ({ world, run, draw }) => {
      const awayMs = draw.between('away', ...away);
      for (const pid of trainersOf(run)) send(pid, 'SIGKILL');
      await Promise.all([world.server, ...world.workers].map((each) => each.end('SIGKILL', awayMs)));
      return `away for ${awayMs} ms`;
    },
  },
];
