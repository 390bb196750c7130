/** What a span says of itself to its children, as in W3C Trace Context. */
export interface Link {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether its trace is recorded. */
  readonly sampled: boolean;
}

const pattern = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent` (W3C Trace Context, 3.2); null for what is none. */
export function parseTraceparent(text: string): Link | null {
  const [, version, traceId = '', spanId = '', flags = '', more] = pattern.exec(text.trim()) ?? [];
  // Only versions to come may have more.
  if (version === undefined || (version === '00' && more !== undefined)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A link as `traceparent`, version 00. */
export const formatTraceparent = ({ traceId, spanId, sampled }: Link): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

const digits = (execution: string) => execution.replaceAll('-', '').toLowerCase();

/** Whether it is an id that Temporal gives to the execution of a workflow. */
export const isExecutionId = (text: string): boolean =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) && !/^[0-]+$/.test(text);

/** The trace of an execution that no command started. @param execution a UUID */
export const traceIdOf = (execution: string): string => digits(execution);

/**
 * The span of an execution of a workflow: whoever knows the execution knows its span, so that spans are linked whichever worker
 * was at work, and however often one was killed. The last half of a UUID is the random one.
 */
export const spanIdOf = (execution: string): string => digits(execution).slice(16);
