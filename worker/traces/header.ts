import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { decodeEncrypted, isEncrypted, type PayloadKeys, payloadCodec } from '../../payloads/index.ts';
import { formatTraceparent, isExecutionId, type Link, parseTraceparent } from '../../traces/index.ts';

/** What a trace begins with: the command that started a run, or, where none did, the first execution. */
export type TraceOrigin =
  | { readonly is: 'command'; readonly link: Link }
  | { readonly is: 'execution'; readonly id: string };

/**
 * The header of a workflow that a command starts: its `traceparent`. Temporal's SDK passes headers by the codec, so it is encrypted
 * here where there are keys.
 */
export async function headerOf(
  link: Link,
  keys: PayloadKeys | null,
  at: { readonly namespace: string; readonly workflowId: string },
): Promise<Payload> {
  const plain = defaultPayloadConverter.toPayload(formatTraceparent(link));
  const [payload] = await payloadCodec(keys).encode([plain], { type: 'workflow', ...at });
  return payload ?? plain;
}

/**
 * Reads a header. The workflows pass it on as it is, so it is encrypted for the run that was started, wherever it is found in the
 * namespace. With keys only an execution's id is read in plain text: workflows, which have no keys, write it.
 *
 * @returns null for what cannot be read: then there is no trace
 */
export function readHeader(payload: Payload, keys: PayloadKeys | null, namespace: string): TraceOrigin | null {
  try {
    const encrypted = isEncrypted(payload);
    const text: unknown = defaultPayloadConverter.fromPayload(
      encrypted ? decodeEncrypted(keys, payload, { namespace }) : payload,
    );
    if (typeof text !== 'string') return null;
    if (!encrypted && isExecutionId(text)) return { is: 'execution', id: text };
    const link = encrypted === (keys !== null) ? parseTraceparent(text) : null;
    return link && { is: 'command', link };
  } catch {
    return null;
  }
}
