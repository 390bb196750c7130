import { neighboursQuerySchema } from '../../contracts/serving.ts';
import { HttpError } from './http-error.ts';
import { pageFiles } from './page.ts';
import { shownName } from './shown-name.ts';

/** Parameters in the query of each path that has any. */
const known: Readonly<Record<string, readonly string[]>> = {
  '/v1/similar': Object.keys(neighboursQuerySchema.shape),
  '/v1/predict': Object.keys(neighboursQuerySchema.shape),
};
/** People pass these on with whatever a mail program adds to an address. */
const pages: ReadonlySet<string> = new Set(pageFiles.map(({ path }) => path));

/**
 * Refuses parameters that nothing reads: one that is written wrong would have no effect, and nobody would know.
 *
 * @param route the pattern of the route
 * @throws HttpError BadRequest with the names that there are
 */
export function requireKnownParameters(route: string, query: unknown): void {
  if (pages.has(route)) return;
  const allowed = known[route] ?? [];
  const unknown = Object.keys(query ?? {}).find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  const takes = allowed.length > 0 ? `takes ${allowed.join(', ')}` : 'takes none';
  throw new HttpError('BadRequest', `There is no parameter "${shownName(unknown)}": ${route} ${takes}.`);
}
