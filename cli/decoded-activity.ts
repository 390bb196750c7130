import type { PayloadCodec, SerializationContext } from '@temporalio/common';
import { z } from 'zod';
import type { ServerClient } from './connection.ts';

export type Description = Awaited<ReturnType<ReturnType<ServerClient['client']['workflow']['getHandle']>['describe']>>;
export type PendingActivity = NonNullable<Description['raw']['pendingActivities']>[number];
export type Failure = NonNullable<PendingActivity['lastFailure']>;

/** What Temporal's failure converter puts the words of a failure into. */
const wordsSchema = z.object({ message: z.string(), stack_trace: z.string().nullish() });

/**
 * A pending activity with heartbeat and last failure as they were before the codec: the client hands them out as they are stored.
 *
 * @param of the workflow that it belongs to
 * @throws ContrailError PayloadsUnreadable
 */
export async function decodedActivity(
  { codec, namespace }: Pick<ServerClient, 'codec' | 'namespace'>,
  of: string,
  activity: PendingActivity,
): Promise<PendingActivity> {
  const { heartbeatDetails, lastFailure, activityId } = activity;
  const context: SerializationContext = {
    ...{ type: 'activity', namespace, workflowId: of, isLocal: false },
    ...(activityId ? { activityId } : {}),
  };
  const payloads = heartbeatDetails?.payloads;
  return {
    ...activity,
    ...(payloads ? { heartbeatDetails: { payloads: await codec.decode(payloads, context) } } : {}),
    ...(lastFailure ? { lastFailure: await decodedFailure(codec, lastFailure, context) } : {}),
  };
}

/** A failure with its own words, and those of its causes. @throws ContrailError PayloadsUnreadable */
export async function decodedFailure(
  codec: PayloadCodec,
  failure: Failure,
  context?: SerializationContext,
): Promise<Failure> {
  const { encodedAttributes, cause } = failure;
  const [payload] = encodedAttributes ? await codec.decode([encodedAttributes], context) : [];
  const words = payload ? wordsSchema.safeParse(jsonOf(payload.data)) : null;
  return {
    ...failure,
    ...(words?.success ? { message: words.data.message } : {}),
    ...(cause ? { cause: await decodedFailure(codec, cause, context) } : {}),
  };
}

/** What a payload holds in JSON; null where it holds something else. */
export function jsonOf(data: Uint8Array | null | undefined): unknown {
  try {
    return data ? JSON.parse(Buffer.from(data).toString('utf8')) : null;
  } catch {
    return null;
  }
}
