import { byBytes } from './by-bytes.ts';

/**
 * What URLs are called in lists, messages and data sets: without their query, which may hold a secret.
 *
 * No digest stands for the query: whoever guesses a short secret could try it against one. A digest under a secret of this installation
 * could not be tried, but names are part of a data set, and would make its digest another on each machine. So URLs that differ in
 * their query alone are numbered, in the order of their queries: `…/photo?(1 of 3)`. This follows from the table alone, in any order of its rows.
 * A row more or less changes all the numbers of its path, also by `of`, so that a correction by an old name names no image, rather than another.
 */
export interface UrlNames {
  readonly nameOf: (url: URL) => string;
}

/** A URL of which it is not known with which others it stands. */
export const unnumbered: UrlNames = { nameOf: (url) => `${withoutQuery(url)}${url.search === '' ? '' : '?(…)'}` };

/** Whether a text is such a name, with a number. */
export const isNumberedName = (text: string): boolean => /^https?:.*\?\(\d+ of \d+\)$/s.test(text);

/** @param urls of a table, each any number of times */
export async function numberedUrls(urls: AsyncIterable<URL>): Promise<UrlNames> {
  const queries = new Map<string, Set<string>>();
  for await (const url of urls) {
    if (url.search === '') continue;
    const place = withoutQuery(url);
    const known = queries.get(place);
    if (known) known.add(url.search);
    else queries.set(place, new Set([url.search]));
  }
  const numbers = new Map(
    [...queries].map(([place, found]) => [
      place,
      new Map([...found].sort(byBytes).map((query, at) => [query, `?(${at + 1} of ${found.size})`])),
    ]),
  );
  return {
    nameOf: (url) =>
      url.search === ''
        ? withoutQuery(url)
        : `${withoutQuery(url)}${numbers.get(withoutQuery(url))?.get(url.search) ?? '?(…)'}`,
  };
}

const withoutQuery = ({ protocol, host, pathname }: URL): string => `${protocol}//${host}${pathname}`;
