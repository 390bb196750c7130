import { z } from 'zod';

/** A duration as people write it: `30s`, `5m`, `2h`, `1d`, or milliseconds as a number. */
export const durationSchema = z
  .union([
    z.int().positive(),
    z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'must be a duration such as 30s, 5m, 2h or 1d'),
  ])
  .describe('30s, 5m, 2h, 1d, or milliseconds');

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration that `durationSchema` accepts. */
export function milliseconds(duration: number | string): number {
  if (typeof duration === 'number') return duration;
  const [, amount = '', unit = ''] = /^([\d.]+)([a-z]+)$/.exec(duration) ?? [];
  return Math.max(1, Math.round(Number(amount) * (units[unit] ?? 1)));
}
