import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const pollMs = 200;
const killedPollMs = 5;
/** The kernel takes a process apart after SIGKILL: for gigabytes, or on a busy machine, that is not at once. */
const killedWithinMs = 10_000;
/** Places in what /proc/<pid>/stat says after the name of the program. */
const stateAt = 0;
const parentAt = 1;
const groupAt = 2;
const startAt = 19;

/** A process that this one looks after, be it a child or left by another. */
export interface Supervised {
  readonly pid: number;
  /** How it ended. */
  readonly ended: Promise<string>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Lets this process end before it. */
  readonly release: () => void;
}

function statOf(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[stateAt] === 'Z' || fields[stateAt] === 'X' ? null : fields;
  } catch {
    // Without its folder there is no such process that we could see.
    return null;
  }
}

/** Whether a process runs. One that has ended, but whose parent never asked, as in a container without an init, does not. */
export const isAlive = (pid: number): boolean => pid > 0 && statOf(pid) !== null;

/** When a process began, in the kernel's own count: with it a number is that of one process only. Null where none runs. */
export function startOf(pid: number): string | null {
  const fields = pid > 0 ? statOf(pid) : null;
  return fields ? `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[startAt]}` : null;
}

/** What a process was started with; empty where it is gone, or not ours. */
export function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

export const superviseChild = (child: ChildProcess): Supervised => ({
  pid: child.pid ?? 0,
  ended: new Promise((resolve) => {
    const say = () => resolve(child.signalCode ?? `exit code ${child.exitCode}`);
    if (child.exitCode !== null || child.signalCode !== null) say();
    child.once('exit', say);
    child.once('error', (error) => resolve(error.message));
  }),
  signal: (name) => void child.kill(name),
  release: () => child.unref(),
});

/** Looks after a process that somebody else started. */
export function superviseOther(pid: number): Supervised {
  const start = startOf(pid);
  let timer: NodeJS.Timeout | undefined;
  const lives = () => start !== null && startOf(pid) === start;
  const ended = new Promise<string>((resolve) => {
    timer = setInterval(() => {
      if (lives()) return;
      clearInterval(timer);
      resolve('it is gone');
    }, pollMs);
  });
  return {
    pid,
    ended,
    signal: (name) => {
      if (lives()) process.kill(pid, name);
    },
    release: () => timer?.unref(),
  };
}

/** Asks a process to end, one that was stopped as well, and waits for it. */
export async function stopProcess({ signal, ended }: Supervised): Promise<void> {
  signal('SIGTERM');
  signal('SIGCONT');
  await ended;
}

/**
 * Kills a process, its children, theirs, and what is in the process groups that these lead, and returns once they are gone;
 * without `root` where it is this process.
 */
export function killTree(root: number): readonly number[] {
  const all = readdirSync('/proc').flatMap((name) => {
    const fields = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    return fields ? [{ pid: Number(name), parent: Number(fields[parentAt]), group: Number(fields[groupAt]) }] : [];
  });
  const tree = new Set([root]);
  for (let size = 0; size < tree.size; ) {
    size = tree.size;
    for (const { pid, parent, group } of all)
      if (tree.has(parent) || (group !== root && tree.has(group))) tree.add(pid);
  }
  if (root === process.pid) tree.delete(root);
  const killed = [...tree].filter((pid) => {
    try {
      return process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
  const until = performance.now() + killedWithinMs;
  while (killed.some(isAlive) && performance.now() < until) pause(killedPollMs);
  return killed;
}

/** Blocks this process. */
const pause = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
