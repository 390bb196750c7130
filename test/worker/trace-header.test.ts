import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { payloadKeys } from '../../payloads/index.ts';
import { headerOf, readHeader } from '../../worker/traces/header.ts';
import { historyKeys } from '../payloads/test-keys.ts';

const keys = payloadKeys({ CONTRAIL_PAYLOAD_KEYS: historyKeys });
const otherKeys = payloadKeys({ CONTRAIL_PAYLOAD_KEYS: `other:${Buffer.alloc(32, 8).toString('base64')}` });
const link = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true };
const at = { namespace: 'shop', workflowId: 'shirts-1' };
const execution = '019b0f3e-9d5c-7a11-8c1e-0123456789ab';
const plain = (value: unknown) => defaultPayloadConverter.toPayload(value);

describe('the header of a trace', () => {
  it('is read as it was written, with and without keys', async () => {
    for (const either of [null, keys])
      expect(readHeader(await headerOf(link, either, at), either, 'shop')).toEqual({ is: 'command', link });
  });

  it('is not read with other keys, with none, or in another namespace', async () => {
    const encrypted = await headerOf(link, keys, at);
    expect(readHeader(encrypted, otherKeys, 'shop')).toBeNull();
    expect(readHeader(encrypted, null, 'shop')).toBeNull();
    expect(readHeader(encrypted, keys, 'other')).toBeNull();
  });

  it('is, with keys, not read in plain text, but for the id of an execution, which workflows write', async () => {
    expect(readHeader(await headerOf(link, null, at), keys, 'shop')).toBeNull();
    for (const either of [null, keys])
      expect(readHeader(plain(execution), either, 'shop')).toEqual({ is: 'execution', id: execution });
  });

  it('that says something else says nothing', () => {
    for (const value of ['', 'x', `${execution}0`, '00000000-0000-0000-0000-000000000000', 7, null, { is: 'command' }])
      expect(readHeader(plain(value), null, 'shop')).toBeNull();
    expect(readHeader({ metadata: {}, data: Buffer.from('{') }, null, 'shop')).toBeNull();
  });
});
