import { times } from './counted.ts';
import type { NamesTold, Unusable } from './vector-index.ts';
import { visible } from './visible-text.ts';

/** Which images are in no index, and why: a line, and one for each of the first. */
export function unusableText({ count, first }: Unusable): string {
  return [
    `${times(count, 'image')} ${count === 1 ? 'is' : 'are'} left out of the index:`,
    ...first.map(({ name, reason }) => `  ${visible(name)} ${reason}`),
    ...(count > first.length ? [`  and ${count - first.length} more`] : []),
  ].join('\n');
}

/** Which images were left out because of their name. */
export const sameNameText = (names: NamesTold): string =>
  `${times(names.count, 'image')} ${names.count === 1 ? 'has' : 'have'} the name of another one that was added at the same time; the last of each name is taken: ${namesOf(names)}.`;

/** Which images are gone from an index because of their name. */
export const otherFilesText = (names: NamesTold): string =>
  `${times(names.count, 'image')} took the place of another file of the same name: ${namesOf(names)}.`;

const namesOf = ({ count, first }: NamesTold): string =>
  `${first.map(visible).join(', ')}${count > first.length ? ` and ${count - first.length} more` : ''}`;
