import type { Sender } from './otlp.ts';
import { traceSettings } from './settings.ts';
import type { Traces } from './spans.ts';

export { currentLink, traceEnvironment, within } from './current.ts';
export { formatTraceparent, isExecutionId, type Link, parseTraceparent, spanIdOf, traceIdOf } from './link.ts';
export type { OpenSpan, Traces } from './spans.ts';

/** Opens what sends spans, where the environment asks for it; loads OpenTelemetry only then. @returns null for no traces */
export async function openTraces(
  sender: Omit<Sender, 'origin'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Traces | null> {
  const settings = traceSettings(environment, sender.say);
  return settings && (await import('./otlp.ts')).openOtlp({ ...sender, ...settings });
}
