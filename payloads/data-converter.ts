import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { payloadCodec, unreadCodec } from './codec.ts';
import type { PayloadKeys } from './keys.ts';

/** Of the failure converter that a client, a worker and the workflows have where there are keys. */
export const failureConverterPath = fileURLToPath(new URL('./failure-converter.cjs', import.meta.url));

/** How clients and workers write to Temporal and read from it. */
export const dataConverterOf = (keys: PayloadKeys | null): DataConverter => ({
  payloadCodecs: [payloadCodec(keys)],
  ...(keys === null ? {} : { failureConverterPath }),
});

/** Of a client that lists workflows: one that cannot be decrypted any more is listed all the same. */
export const listingConverter: DataConverter = { payloadCodecs: [unreadCodec] };
