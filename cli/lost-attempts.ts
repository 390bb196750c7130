import type { LogLine } from '../contracts/logs.ts';
import type { ServerClient } from './connection.ts';
import { grpc, withGrpcCode } from './grpc.ts';

/**
 * Attempts that ended without a word, because their worker went away: Temporal's history has them.
 *
 * @param steps the steps that are workflows of their own, with a history each
 */
export async function lostAttempts(
  { client }: ServerClient,
  run: string,
  steps: readonly string[],
): Promise<readonly LogLine[]> {
  const workflows = [{ id: run, step: null }, ...steps.map((step) => ({ id: `${run}/${step}`, step }))];
  const lines = await Promise.all(
    workflows.map(async ({ id, step }) => {
      const history = await client.workflow
        .getHandle(id)
        .fetchHistory()
        .catch((error: unknown) => {
          // A training that has not begun, or a run that the server has forgotten.
          if (withGrpcCode(error, [grpc.notFound])) return null;
          throw error;
        });
      const events = history?.events ?? [];
      const scheduled = new Map(
        events.flatMap(({ eventId, activityTaskScheduledEventAttributes: of }) =>
          of ? [[String(eventId), of.activityId ?? ''] as const] : [],
        ),
      );
      return events.flatMap(({ eventTime, activityTaskStartedEventAttributes: of }): LogLine[] => {
        if (!of?.lastFailure?.timeoutFailureInfo) return [];
        const activity = scheduled.get(String(of.scheduledEventId)) ?? '';
        const time = new Date(Number(eventTime?.seconds ?? 0) * 1000 + Math.round((eventTime?.nanos ?? 0) / 1e6));
        return [
          {
            time: time.toISOString(),
            level: 'warn',
            run,
            step: step ?? activity,
            source: 'temporal',
            message: `${activity}: attempt ${of.attempt} began; the one before was lost with its worker (${of.lastFailure.message})`,
          },
        ];
      });
    }),
  );
  return lines.flat();
}
