import { setTimeout as sleep } from 'node:timers/promises';
import { changes, type DiskFault, type Operation } from '../machine/disk.ts';
import type { Fault, Strike } from './fault.ts';

/** Has the disk of the workers fail for a while. */
const during = (most: number, fault: (strike: Strike) => DiskFault) => async (strike: Strike) => {
  const { disk } = strike.world;
  const ms = strike.draw.between('during', 500, most);
  const before = disk.counted();
  disk.set(fault(strike));
  await sleep(ms);
  disk.set(null);
  const failed = disk.counted().failed - before.failed;
  return failed === 0 ? null : `${failed} operations in ${ms} ms`;
};

/** Has one operation of a kind fail, one of the next. */
const once = (error: DiskFault['error'], operations: readonly Operation[], part?: string) =>
  during(3000, ({ draw }) => ({
    error,
    operations,
    after: draw.below('after', 30),
    times: 1,
    ...(part === undefined ? {} : { part }),
  }));

const full = (part?: string) =>
  during(8000, () => ({
    error: 'ENOSPC',
    operations: ['write', 'make', 'name'],
    ...(part === undefined ? {} : { part }),
  }));

export const diskFaults: readonly Fault[] = [
  { name: 'disk: full', weight: 4, strike: full() },
  { name: 'disk: full in a checkpoint', weight: 4, needs: ['folder'], strike: full('/checkpoints/') },
  { name: 'disk: full in an artifact', weight: 3, needs: ['folder'], strike: full('/artifacts/') },
  { name: 'disk: full in a staged file', weight: 2, needs: ['folder'], strike: full('/staging/') },
  { name: 'disk: full in the logs', weight: 1, strike: full('/logs/') },
  {
    name: 'disk: read-only',
    weight: 3,
    strike: during(5000, () => ({ error: 'EROFS', operations: changes })),
  },
  { name: 'disk: a write fails', weight: 3, strike: once('EIO', ['write']) },
  { name: 'disk: a sync fails', weight: 3, strike: once('EIO', ['sync']) },
  { name: 'disk: a name is not given', weight: 2, strike: once('EIO', ['name']) },
  { name: 'disk: a read fails', weight: 3, strike: once('EIO', ['read'], '/store/') },
  { name: 'disk: a file is not removed', weight: 1, strike: once('EACCES', ['remove'], '/store/') },
];

/** The clock of the workers and their trainers. The server's stays. */
const clock = (name: string, aheadMs: number): Fault => ({
  name: `clock: ${name}`,
  weight: 2,
  strike: async ({ world: { disk }, draw }) => {
    const ms = draw.between('during', 2000, 10_000);
    disk.setClock(aheadMs);
    await sleep(ms);
    disk.setClock(0);
    return `for ${ms} ms`;
  },
});
const hourMs = 3_600_000;

export const clockFaults: readonly Fault[] = [
  clock('an hour ahead', hourMs),
  clock('an hour back', -hourMs),
  clock('a year ahead', 365 * 24 * hourMs),
  clock('a minute back', -60_000),
];
