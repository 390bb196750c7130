import { openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../../native/programs.ts';

/** What programs ask of a disk, and what each is called in faulty.c. */
const operations = { write: 1, sync: 2, name: 4, make: 8, remove: 16, read: 32 } as const;
export type Operation = keyof typeof operations;
/** Everything that changes what is on a disk. */
export const changes: readonly Operation[] = ['write', 'sync', 'name', 'make', 'remove'];

export interface DiskFault {
  /** What the operations end with. A full disk takes half of a write before. */
  readonly error: 'ENOSPC' | 'EIO' | 'EROFS' | 'EACCES';
  readonly operations: readonly Operation[];
  /** So many of them still pass. @default 0 */
  readonly after?: number;
  /** So many then fail. @default all */
  readonly times?: number;
  /** Only on paths that have this in them. */
  readonly part?: string;
}

/**
 * The disk and the clock of programs that are started with `environment`, as they see them. No other program is concerned, and nothing
 * outside of the folder.
 */
export interface FaultyDisk {
  readonly environment: { readonly LD_PRELOAD: string };
  readonly set: (fault: DiskFault | null) => void;
  /** Counts operations without any of them failing. */
  readonly count: (operations: readonly Operation[]) => void;
  /** How many of the operations there were since, and how many of them failed. */
  readonly counted: () => { readonly seen: number; readonly failed: number };
  /** Sets the clock of the day so many milliseconds ahead, or back. */
  readonly setClock: (aheadMs: number) => void;
}

/** Places in `struct control`. */
const at = { seen: 16, ahead: 24, part: 32, size: 96 } as const;

/**
 * Compiles what stands between those programs and the C library.
 *
 * @param folder where that and its control file lie
 * @param under the folder that is concerned
 */
export async function faultyDisk(folder: string, under: string): Promise<FaultyDisk> {
  const [library, control] = [join(folder, 'faulty.so'), join(folder, 'faulty.control')];
  writeFileSync(control, Buffer.alloc(at.size));
  const source = fileURLToPath(new URL('faulty.c', import.meta.url));
  const named = [`-DCONTROL="${control}"`, `-DUNDER="${under}/"`];
  await runProgram('cc', ['-shared', '-fPIC', '-O2', ...named, '-o', library, source, '-ldl']);
  return { environment: { LD_PRELOAD: library }, ...controlOf(control) };
}

/** The control of a disk whose control file this is. */
export function controlOf(control: string): Omit<FaultyDisk, 'environment'> {
  const file = openSync(control, 'r+');
  const say = ({ error, operations: named, after = 0, times = -1, part = '' }: Partial<DiskFault>) => {
    const told = Buffer.alloc(at.seen);
    told.writeUInt32LE(named?.reduce((mask, name) => mask | operations[name], 0) ?? 0, 4);
    told.writeInt32LE(after, 8);
    told.writeInt32LE(times, 12);
    const path = Buffer.alloc(at.size - at.part);
    path.write(part);
    // The error comes last: with it the fault begins.
    writeSync(file, path, 0, path.length, at.part);
    writeSync(file, told, 4, at.seen - 4, 4);
    told.writeInt32LE(error ? constants.errno[error] : 0, 0);
    writeSync(file, told, 0, 4, 0);
  };
  return {
    set: (fault) => say(fault ?? {}),
    count: (counted) => say({ operations: counted }),
    counted: () => {
      const told = Buffer.alloc(8);
      readSync(file, told, 0, 8, at.seen);
      return { seen: told.readUInt32LE(0), failed: told.readUInt32LE(4) };
    },
    setClock: (aheadMs) => {
      const told = Buffer.alloc(8);
      told.writeBigInt64LE(BigInt(aheadMs));
      writeSync(file, told, 0, 8, at.ahead);
    },
  };
}
