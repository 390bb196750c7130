import type { Link } from './link.ts';

/** Values of a span's attributes; what is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** The span that it is part of; null begins a trace. */
  readonly parent: Link | null;
  /** When it began, in milliseconds since 1970. @default now */
  readonly at?: number;
  /** Ids that follow from something else. @default random ones */
  readonly ids?: { readonly traceId?: string; readonly spanId?: string };
  readonly attributes?: Attributes;
}

/** A span that has not ended. */
export interface OpenSpan {
  readonly link: Link;
  readonly set: (attributes: Attributes) => void;
  /** @param failed a code of what went wrong; no message, which may name files */
  readonly end: (how?: { readonly failed?: string; readonly at?: number }) => void;
}

/** What sends spans. Nothing of it throws, waits, or holds more than a bounded queue. */
export interface Traces {
  readonly begin: (name: string, options: SpanOptions) => OpenSpan;
  /** Whether a trace of that id is recorded where nobody has decided yet. */
  readonly samples: (traceId: string) => boolean;
  /** Sends what there is, and gives up after so many milliseconds, or at once where nobody is there to take it. */
  readonly close: (patienceMs: number) => Promise<void>;
}
