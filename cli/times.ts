const two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, '0');

/** A moment as a clock on the wall here shows it, with the zone's distance from UTC: `2026-11-27 01:20:03 +01:00`. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  const east = -time.getTimezoneOffset();
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${day} ${clock} ${east < 0 ? '-' : '+'}${two(east / 60)}:${two(east % 60)}`;
}

/** A moment in UTC, as schedules count it: `2026-11-24 03:00:00 UTC`. */
export const utcTime = (time: Date): string => `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
