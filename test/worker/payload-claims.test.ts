import { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataConverterOf, payloadKeys } from '../../payloads/index.ts';
import { claimNamespace, type Owner, ownerOfNamespace, renewClaim } from '../../worker/belonging.ts';
import { startServer } from '../workflows/interpreter.ts';

/** Whose a namespace is, is the first that every client and worker reads: it decides which keys they need. On the real server. */
let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startServer([]);
  for (const namespace of ['plain', 'sealed']) {
    const retention = { workflowExecutionRetentionPeriod: { seconds: 86_400 } as never };
    await environment.connection.workflowService.registerNamespace({ namespace, ...retention });
  }
  // The server looks for new namespaces every few seconds.
  for (const namespace of ['plain', 'sealed'])
    for (;;)
      try {
        await ownerOfNamespace(new Client({ connection: environment.connection, namespace }));
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
}, 120_000);
afterAll(() => environment.teardown(), 60_000);

const owner: Owner = {
  store: 'a19cbb93-1e0f-4d6b-8d43-4ab5f3a4d0a1',
  storeAt: 'machine:/SECRET/store',
  home: 'b19cbb93-1e0f-4d6b-8d43-4ab5f3a4d0a1',
  homeAt: 'machine:/SECRET/home',
};
const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const keysOf = (text: string | null) => payloadKeys(text === null ? {} : { CONTRAIL_PAYLOAD_KEYS: text });
const clientOf = (namespace: string, keys: string | null) =>
  new Client({ connection: environment.connection, namespace, dataConverter: dataConverterOf(keysOf(keys)) });
const [k1, k2] = [`k1:${key(1)}`, `k2:${key(2)}`];

describe('a namespace that was begun with keys', () => {
  beforeAll(() => claimNamespace(clientOf('sealed', k1), owner));

  it('is its store’s for who has the key, and unreadable for all others', async () => {
    expect(await ownerOfNamespace(clientOf('sealed', k1))).toEqual(owner);
    for (const keys of [null, k2])
      await expect(ownerOfNamespace(clientOf('sealed', keys))).rejects.toMatchObject({
        code: 'PayloadsUnreadable',
        message: expect.stringMatching(
          /of the workflow contrail-store in the namespace sealed is encrypted with the key k1/,
        ),
      });
    await expect(claimNamespace(clientOf('sealed', null), owner)).rejects.toMatchObject({ code: 'PayloadsUnreadable' });
  });

  it('is encrypted anew by a worker whose first key is another, so that the earlier one can go', async () => {
    expect(await renewClaim(clientOf('sealed', k1), keysOf(k1))).toBe(false);
    const both = `${k2},${k1}`;
    expect(await renewClaim(clientOf('sealed', both), keysOf(both))).toBe(true);
    expect(await renewClaim(clientOf('sealed', both), keysOf(both))).toBe(false);
    expect(await ownerOfNamespace(clientOf('sealed', k2))).toEqual(owner);
    await expect(ownerOfNamespace(clientOf('sealed', k1))).rejects.toMatchObject({ code: 'PayloadsUnreadable' });
  });
});

describe('a namespace that was begun without keys', () => {
  beforeAll(() => claimNamespace(clientOf('plain', null), owner));

  it('is refused to who has keys, with what to do', async () => {
    expect(await ownerOfNamespace(clientOf('plain', null))).toEqual(owner);
    await expect(claimNamespace(clientOf('plain', k1), owner)).rejects.toMatchObject({
      code: 'PayloadsUnreadable',
      message: expect.stringMatching(/is not encrypted.*use a new namespace\. docs\/security\.md says how\.$/),
    });
    expect(await renewClaim(clientOf('plain', null), null)).toBe(false);
  });
});
