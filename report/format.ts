import { deviation, mean } from '../evaluation/metrics/statistics.ts';

/** Numbers, durations and moments, as a person reads them. */

/** A share as a percentage: 0.9123 is `91.23 %`; they stay on one line. */
export const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)}\u00a0%`;

/** A difference of shares in percentage points, with its sign. */
export const points = (difference: number, digits = 2): string =>
  `${signOf(difference)}${Math.abs(100 * difference).toFixed(digits)}`;

export const signed = (value: number, digits = 3): string => `${signOf(value)}${Math.abs(value).toFixed(digits)}`;

const signOf = (value: number) => (value > 0 ? '+' : value < 0 ? '−' : '±');

/** Four figures that matter: 5.541, 0.0731, 1.2e-5. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 0.0001 || size >= 1e6)) return value.toExponential(1).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

/** 12 s, 3 min 5 s, 2 h 10 min. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** 2026-11-24 22:01 UTC. */
export const moment = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

/** A number in words, or that there is none. */
export const ifMeasured = (value: number | null | undefined, text: (value: number) => string): string =>
  value === null || value === undefined ? 'not measured' : text(value);

/** The mean and, of several values, ± their deviation, whose unit is that of the mean. */
export function meanAndDeviation(values: readonly number[], text: (value: number) => string): string {
  const spread = deviation(values);
  return `${text(mean(values))}${spread === null ? '' : ` ± ${text(spread).replace('\u00a0%', '')}`}`;
}
