import { splitNameSchema, splitText } from '../contracts/artifacts.ts';

/** What to call a split that an inspection names; one that is not known here is shown as it is. */
export function shownSplit(name: string): string {
  const known = splitNameSchema.safeParse(name);
  return known.success ? splitText(known.data) : name;
}
