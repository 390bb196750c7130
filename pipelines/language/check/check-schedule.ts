import type { Json } from '../../../contracts/json.ts';
import type { ScheduleConfig } from '../../../contracts/plan.ts';
import type { Report } from '../problems/problems.ts';
import { withValues } from '../read/params.ts';

const names = {
  month: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  day: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
};
const fields = [
  { name: 'the minute', from: 0, to: 59, names: [] },
  { name: 'the hour', from: 0, to: 23, names: [] },
  { name: 'the day of the month', from: 1, to: 31, names: [] },
  { name: 'the month', from: 1, to: 12, names: names.month },
  { name: 'the day of the week', from: 0, to: 7, names: names.day },
] as const;

/** Checks what the schema of a schedule cannot say: when it fires, the time zone, and its params. */
export function checkSchedule(
  { cron, every, timezone, params: given }: ScheduleConfig,
  params: Readonly<Record<string, Json>>,
  report: Report,
): void {
  if (cron === undefined && every === undefined)
    report.atKey(['schedule'], 'a schedule needs cron, such as "0 3 * * 1", or every, such as 12h');
  if (cron !== undefined && every !== undefined)
    report.atKey(['schedule', 'every'], 'a schedule has cron or every, not both');
  for (const [index, text] of (typeof cron === 'string' ? [cron] : (cron ?? [])).entries()) {
    const problem = problemWithCron(text);
    if (problem) report.at(['schedule', 'cron', ...(typeof cron === 'string' ? [] : [index])], problem);
  }
  if (!isTimeZone(timezone))
    report.at(
      ['schedule', 'timezone'],
      `there is no time zone ${JSON.stringify(timezone)}; it is an IANA name, such as Europe/Paris`,
    );
  withValues(params, given as Record<string, Json>, 'the pipeline', (name, message) =>
    Object.hasOwn(params, name)
      ? report.at(['schedule', 'params', name], `${name} ${message}`)
      : report.atKey(['schedule', 'params', name], message),
  );
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What is wrong with a cron expression of five fields, or a shorthand such as `@daily`; null when nothing is. */
export function problemWithCron(text: string): string | null {
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(text.trim())) return null;
  const parts = text.trim().split(/\s+/);
  if (parts.length !== fields.length)
    return `cron ${JSON.stringify(text)} must have five fields (minute, hour, day of the month, month, day of the week), such as "0 3 * * 1", or be @daily, @weekly, @monthly`;
  for (const [index, field] of fields.entries())
    for (const part of (parts[index] ?? '').split(',')) {
      const [, range = '', step] = /^([^/]+)(?:\/(.+))?$/.exec(part) ?? [];
      const ends = range === '*' ? [] : range.split('-');
      const values = ends.map((each) => numberOf(each, field.names, field.from));
      const isRight =
        range !== '' &&
        ends.length <= 2 &&
        values.every((value) => value >= field.from && value <= field.to) &&
        (values.length < 2 || (values[0] ?? 0) <= (values[1] ?? 0)) &&
        (step === undefined || /^[1-9]\d*$/.test(step));
      if (!isRight)
        return `cron ${JSON.stringify(text)}: ${field.name} must be ${field.from} to ${field.to}, *, a range a-b, a list a,b or a step */n, not ${JSON.stringify(part)}`;
    }
  return null;
}

/** The number that a field means, NaN for none. */
function numberOf(text: string, named: readonly string[], first: number): number {
  const index = named.indexOf(text.toLowerCase());
  return index >= 0 ? index + first : /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
