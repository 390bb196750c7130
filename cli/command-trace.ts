import { type Link, type OpenSpan, openTraces, parseTraceparent, type Traces } from '../traces/index.ts';
import { say } from './output.ts';

/** A command waits so long for its span to be taken, where it has one and the collector is there. */
const patienceMs = 5000;

let name = 'contrail';
let begun: Promise<{ readonly traces: Traces; readonly span: OpenSpan } | null> | null = null;

/** Says what the command is called, should it have a span. @param command `contrail run`, without what follows it */
export function nameCommand(command: string): void {
  name = command;
}

/**
 * The span of this command, within that of the variable `TRACEPARENT` where there is one. It exists once a command asks for it, because it
 * starts something; all others load and send nothing.
 *
 * @returns null where nothing is traced
 */
export async function commandLink(version: string): Promise<Link | null> {
  begun ??= begin(version).catch((error: unknown) => {
    say(`There are no traces: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  });
  return (await begun)?.span.link ?? null;
}

async function begin(version: string) {
  const traces = await openTraces({ service: 'contrail', version, say });
  if (!traces) return null;
  const parent = parseTraceparent(process.env.TRACEPARENT ?? '');
  return { traces, span: traces.begin(name, { parent, at: performance.timeOrigin }) };
}

/** Ends the command's span, and sends it. */
export async function endCommandTrace(exitCode: number): Promise<void> {
  const opened = await begun;
  if (!opened) return;
  opened.span.set({ 'process.exit.code': exitCode });
  opened.span.end(exitCode === 1 || exitCode === 2 ? { failed: `exit code ${exitCode}` } : {});
  await opened.traces.close(patienceMs);
}
