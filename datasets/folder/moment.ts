/**
 * A time of the file system, in milliseconds since 1970 with a fraction, as ISO 8601 in UTC: `2026-11-27T10:15:00.1234567Z`. No digit is
 * lost, so that two times can be compared for equality. What has no such form stays a number.
 */
export function momentText(milliseconds: number): string {
  const [whole = '', fraction = ''] = String(milliseconds).split('.');
  const isPlain = /^\d+$/.test(whole) && /^\d*$/.test(fraction) && milliseconds <= latest;
  return isPlain ? `${new Date(Number(whole)).toISOString().slice(0, -1)}${fraction}Z` : String(milliseconds);
}

/** The milliseconds of such a text, or of a number as lists of earlier versions have it. */
export function momentOf(text: string): number {
  const [, seconds, thousandths, fraction] = isoPattern.exec(text) ?? [];
  if (seconds === undefined) return Number(text);
  return Number(`${Date.parse(`${seconds}.${thousandths}Z`)}.${fraction || '0'}`);
}

const isoPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})(\d*)Z$/;
/** The end of the year 9999: years of five digits are written otherwise. */
const latest = 253_402_300_799_999;
