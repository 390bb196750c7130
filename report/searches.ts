import type { Report } from '../contracts/report.ts';
import { searchText } from '../contracts/retrieval.ts';

/** What was measured by one and the same search, so that its numbers compare. */
export interface SearchGroup {
  /** What is searched for, and among what. */
  readonly title: string;
  /** Of the names of its drawings: nothing for the first. */
  readonly suffix: string;
  readonly found: Report['retrieval'];
}

/** Retrievals by data set, query and gallery, in the order in which they are in the report. */
export function searchesOf(retrieval: Report['retrieval']): readonly SearchGroup[] {
  const groups = new Map<string, Report['retrieval']>();
  for (const each of retrieval) {
    const key = JSON.stringify([each.retrieval.dataset, each.retrieval.query, each.retrieval.gallery]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].map((found, at) => ({
    title: found[0] ? searchText(found[0].retrieval) : '',
    suffix: at === 0 ? '' : `-${at + 1}`,
    found,
  }));
}
