import type { ErrorCode } from '../../contracts/errors.ts';
import type { Headline } from '../headline.ts';

/** To the thread: the report to write. */
export interface ReportRequest {
  readonly storeUrl: string;
  readonly run: string;
  readonly title: string | undefined;
  readonly seed: number;
  /** The step that writes it, where one does. */
  readonly writtenBy: string | undefined;
}

/** From the thread: how far it is, then what it wrote or why it did not. */
export type ReportAnswer =
  | { readonly phase: string }
  | { readonly files: number; readonly headline: Headline }
  | { readonly code: ErrorCode | null; readonly message: string };
