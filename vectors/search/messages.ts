import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { Found } from './searcher.ts';

/** What a thread that searches begins with. */
export interface SearchThreadData {
  readonly storeUrl: string;
  /** An index, or an evaluation that keeps known images. */
  readonly ref: ArtifactRef;
}

/** To the thread. `queries` are of unit length, float32 [n, dimension]. */
export interface SearchRequest {
  readonly id: number;
  readonly queries: Float32Array<ArrayBuffer>;
  readonly k: number;
}

/** From the thread: that it can be asked, then one answer to each request. `id` is absent where it could not begin. */
export type SearchAnswer =
  | { readonly ready: true }
  | { readonly id: number; readonly found: Found }
  | { readonly id?: number; readonly code: ErrorCode | null; readonly message: string };
