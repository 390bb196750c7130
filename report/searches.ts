import type { Report } from '../contracts/report.ts';
import { searchText } from '../contracts/retrieval.ts';

/** What was measured by one and the same search, so that its numbers compare. */
export interface SearchGroup {
  /** What is searched for, and among what. */
  readonly title: string;
  /** Of the names of its drawings: nothing for the first. */
  readonly suffix: string;
  readonly first: Found;
  /** With the first. */
  readonly found: Report['retrieval'];
}
type Found = Report['retrieval'][number];

/** Retrievals by data set, query, gallery, and what images were compared by, in the order in which they are in the report. */
export function searchesOf(retrieval: Report['retrieval']): readonly SearchGroup[] {
  const groups = new Map<string, { readonly first: Found; readonly found: Found[] }>();
  for (const each of retrieval) {
    const { dataset, query, gallery, of } = each.retrieval;
    const key = JSON.stringify([dataset, query, gallery, of]);
    const group = groups.get(key);
    if (group) group.found.push(each);
    else groups.set(key, { first: each, found: [each] });
  }
  return [...groups.values()].map((group, at) => ({
    ...group,
    title: searchText(group.first.retrieval),
    suffix: at === 0 ? '' : `-${at + 1}`,
  }));
}
