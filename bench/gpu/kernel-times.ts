/** What the GPU did, as `kernel-trace.cc` writes it. */
export interface GpuRecord {
  readonly kind: 'kernel' | 'copy';
  /** Nanoseconds. */
  readonly start: number;
  readonly end: number;
  /** The kernel, or the direction of the copy. */
  readonly name: string;
  /** Of a copy. */
  readonly bytes: number;
}

/** One step of those in a window, in milliseconds. */
export interface KernelTimes {
  /** In which at least one kernel or copy ran. */
  readonly busy: number;
  readonly idle: number;
  readonly kernels: number;
  readonly copiedBytes: number;
  /** The longest first. */
  readonly byName: readonly { readonly name: string; readonly milliseconds: number; readonly count: number }[];
}

const line = /^(kernel|copy) (\d+) (\d+)\t(.*)$/;

export function readTrace(text: string): readonly GpuRecord[] {
  return text
    .split('\n')
    .flatMap((each): readonly GpuRecord[] => {
      const [, kind, start, end, rest = ''] = line.exec(each) ?? [];
      if (kind !== 'kernel' && kind !== 'copy') return [];
      const [, direction, bytes] = /^(.*) (\d+)$/.exec(rest) ?? [];
      const copy = kind === 'copy' && direction !== undefined;
      return [
        {
          kind,
          start: Number(start),
          end: Number(end),
          name: copy ? direction : rest,
          bytes: copy ? Number(bytes) : 0,
        },
      ];
    })
    .toSorted((a, b) => a.start - b.start);
}

/**
 * The last steps of a trace.
 *
 * @param steps how many of them, each of so many milliseconds
 */
export function kernelTimes(records: readonly GpuRecord[], steps: number, milliseconds: number): KernelTimes {
  const end = records.reduce((last, each) => (each.kind === 'kernel' ? Math.max(last, each.end) : last), 0);
  const begin = end - steps * milliseconds * 1e6;
  const inside = records.filter(({ start, end: ended }) => start >= begin && ended <= end);
  let busy = 0;
  let covered = begin;
  for (const { start, end: ended } of inside) {
    busy += Math.max(0, ended - Math.max(start, covered));
    covered = Math.max(covered, ended);
  }
  const byName = new Map<string, { milliseconds: number; count: number }>();
  for (const { kind, name, start, end: ended } of inside) {
    const key = kind === 'copy' ? `copy, ${name}` : shortName(name);
    const sum = byName.get(key) ?? { milliseconds: 0, count: 0 };
    byName.set(key, {
      milliseconds: sum.milliseconds + (ended - start) / 1e6 / steps,
      count: sum.count + 1 / steps,
    });
  }
  return {
    busy: busy / 1e6 / steps,
    idle: milliseconds - busy / 1e6 / steps,
    kernels: inside.filter(({ kind }) => kind === 'kernel').length / steps,
    copiedBytes: inside.reduce((sum, { bytes }) => sum + bytes, 0) / steps,
    byName: [...byName].map(([name, sum]) => ({ name, ...sum })).toSorted((a, b) => b.milliseconds - a.milliseconds),
  };
}

/** A mangled or templated name, cut to what tells kernels apart. */
const shortName = (name: string): string => name.slice(0, 110);
