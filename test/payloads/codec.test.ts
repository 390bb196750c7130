import { createRequire } from 'node:module';
import { ActivityFailure, ApplicationFailure, defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureConverterPath, payloadCodec, payloadKeys } from '../../payloads/index.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const codecOf = (text?: string) => payloadCodec(payloadKeys(text === undefined ? {} : { CONTRAIL_PAYLOAD_KEYS: text }));
const first = codecOf(`k1:${key(1)}`);
const workflow = { type: 'workflow', namespace: 'shop', workflowId: 'shirts-1' } as const;
const activity = { ...workflow, type: 'activity', activityId: 'pretrain', isLocal: false } as const;
const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueIn = ([decoded]: Payload[]) => (decoded ? defaultPayloadConverter.fromPayload(decoded) : undefined);
const text = (bytes?: Uint8Array | null) => Buffer.from(bytes ?? []).toString('latin1');

async function said(decoding: Promise<unknown>): Promise<string> {
  const error = await decoding.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'ContrailError', code: 'PayloadsUnreadable' });
  return error instanceof Error ? error.message : '';
}

describe('the codec with keys', () => {
  it('gives back what it was given, and shows nothing of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const plain = payload({ marked: 'shibboleth', value });
        const [sealed] = await first.encode([plain], workflow);
        expect(text(sealed?.data)).not.toContain('shibboleth');
        const [opened] = await first.decode(sealed ? [sealed] : [], workflow);
        expect([text(opened?.data), text(opened?.metadata?.encoding)]).toEqual([text(plain.data), 'json/plain']);
      }),
      { numRuns: 50 },
    );
    const bytes = await first.encode([payload(new Uint8Array([1, 2, 3])), payload(undefined)], workflow);
    const [back, nothing] = await first.decode(bytes, workflow);
    expect(back && defaultPayloadConverter.fromPayload(back)).toEqual(new Uint8Array([1, 2, 3]));
    expect(nothing && defaultPayloadConverter.fromPayload(nothing)).toBeUndefined();
  });

  it('never encrypts the same to the same', async () => {
    const [a, b] = await first.encode([payload('same'), payload('same')], workflow);
    expect(text(a?.data)).not.toBe(text(b?.data));
  });

  it('encrypts by the first key and decrypts by all, so keys can be changed in three steps', async () => {
    const old = await first.encode([payload('old')], workflow);
    const both = codecOf(`k1:${key(1)},k2:${key(2)}`);
    const next = codecOf(`k2:${key(2)},k1:${key(1)}`);
    const last = codecOf(`k2:${key(2)}`);
    const recent = await next.encode([payload('new')], workflow);
    expect(text(recent[0]?.metadata?.['encryption-key-id'])).toBe('k2');
    for (const codec of [both, next]) {
      expect(valueIn(await codec.decode(old, workflow))).toBe('old');
      expect(valueIn(await codec.decode(recent, workflow))).toBe('new');
    }
    expect(valueIn(await last.decode(recent, workflow))).toBe('new');
    expect(await said(last.decode(old, workflow))).toBe(
      'What Temporal holds of the workflow shirts-1 in the namespace shop is encrypted with the key k1, and CONTRAIL_PAYLOAD_KEYS has k2. Add that key behind the first.',
    );
  });

  it('reads nothing in plain text', async () => {
    expect(await said(first.decode([payload('plain')], workflow))).toMatch(
      /^What Temporal holds of the workflow shirts-1 in the namespace shop is not encrypted, and CONTRAIL_PAYLOAD_KEYS is set/,
    );
  });

  it('reads nothing that was changed, in any of its bits', async () => {
    const [sealed] = await first.encode([payload({ epochs: 10 })], workflow);
    const data = Buffer.from(sealed?.data ?? []);
    for (let at = 0; at < data.length; at++) {
      const changed = Buffer.from(data);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await said(first.decode([{ ...sealed, data: changed }], workflow))).toContain('was changed');
    }
    for (const length of [0, 12, 27, data.length - 1])
      expect(await said(first.decode([{ ...sealed, data: data.subarray(0, length) }], workflow))).toContain(
        'was changed',
      );
  });

  it('tells another key under the same id from the right one', async () => {
    const sealed = await first.encode([payload(1)], workflow);
    expect(await said(codecOf(`k1:${key(9)}`).decode(sealed, workflow))).toContain(
      'CONTRAIL_PAYLOAD_KEYS has another key under that id',
    );
  });

  it.each([
    ['another namespace', { ...workflow, namespace: 'other' }],
    ['another workflow', { ...workflow, workflowId: 'shirts-2' }],
    ['an activity', activity],
  ])('reads nothing that was moved to %s', async (_, place) => {
    const sealed = await first.encode([payload(1)], workflow);
    expect(await said(first.decode(sealed, place))).toContain(
      'was encrypted for the workflow shirts-1 in the namespace shop: it was moved',
    );
  });

  it('reads nothing that was moved between activities, or whose place was rewritten', async () => {
    const [sealed] = await first.encode([payload(1)], activity);
    expect(await said(first.decode(sealed ? [sealed] : [], { ...activity, activityId: 'evaluate' }))).toContain(
      'was encrypted for the activity pretrain',
    );
    const [other] = await first.encode([payload(1)], { ...activity, activityId: 'evaluate' });
    const forged = { ...sealed, metadata: { ...sealed?.metadata, ...other?.metadata } };
    expect(await said(first.decode([forged], { ...activity, activityId: 'evaluate' }))).toContain('was changed');
  });

  it('reads what a schedule was given in each workflow that the schedule starts', async () => {
    const sealed = await first.encode([payload('weekly')], { ...workflow, workflowId: 'weekly' });
    const firing = { ...workflow, workflowId: 'weekly-2026-11-27T03:00:00Z' };
    expect(valueIn(await first.decode(sealed, firing))).toBe('weekly');
    expect(await said(first.decode(sealed, { ...firing, workflowId: 'monthly-2026-11-27T03:00:00Z' }))).toContain(
      'moved',
    );
  });

  it('reads nothing that was moved between the workflows that a schedule starts, or from one to the schedule', async () => {
    const at = (of: typeof workflow | typeof activity, workflowId: string) => ({ ...of, workflowId });
    const [firing, next] = ['weekly-2026-11-20T03:00:00Z', 'weekly-2026-11-27T03:00:00Z'];
    for (const of of [workflow, activity]) {
      const sealed = await first.encode([payload('approved')], at(of, firing));
      expect(valueIn(await first.decode(sealed, at(of, firing)))).toBe('approved');
      for (const elsewhere of [next, 'weekly'])
        expect(await said(first.decode(sealed, at(of, elsewhere)))).toContain('moved');
    }
    const ofAnother = await first.encode([payload(1)], at(activity, 'weekly'));
    expect(await said(first.decode(ofAnother, at(activity, firing)))).toContain('moved');
  });

  it('reads where no place is known only what was encrypted there, as the memo of a schedule', async () => {
    expect(valueIn(await first.decode(await first.encode([payload('memo')])))).toBe('memo');
    expect(await said(first.decode(await first.encode([payload(1)], workflow)))).toBe(
      'What Temporal holds was encrypted for the workflow shirts-1 in the namespace shop: it was moved by somebody who can write to Temporal.',
    );
    expect(await said(first.decode(await first.encode([payload(1)]), workflow))).toContain(
      'for no workflow: it was moved',
    );
  });

  it('adds less than 256 bytes to a payload', async () => {
    const plain = payload('x'.repeat(1_000_000));
    const [sealed] = await first.encode([plain], { ...activity, workflowId: 'a'.repeat(60) });
    const size = (each?: Payload) =>
      (each?.data?.length ?? 0) +
      Object.entries(each?.metadata ?? {}).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    expect(size(sealed) - size(plain)).toBeLessThan(256);
  });
});

describe('the codec without keys', () => {
  it('leaves everything as it is', async () => {
    const plain = [payload({ a: 1 })];
    expect(await codecOf().encode(plain, workflow)).toEqual(plain);
    expect(await codecOf().decode(plain, workflow)).toEqual(plain);
  });

  it('reads nothing that is encrypted, and says which key is missing', async () => {
    const sealed = await first.encode([payload('secret')], activity);
    expect(await said(codecOf().decode(sealed, activity))).toBe(
      'What Temporal holds of the activity pretrain of the workflow shirts-1 in the namespace shop is encrypted with the key k1, and CONTRAIL_PAYLOAD_KEYS is not set. Set it to k1:<the key in base64>, as it is on the machine that wrote this.',
    );
  });
});

describe('a failure', () => {
  const { failureConverter } = createRequire(import.meta.url)(
    failureConverterPath,
  ) as typeof import('../../payloads/failure-converter.cjs');
  const cause = ApplicationFailure.create({ message: 'no such folder: /secret/photos', type: 'FileMissing' });
  const error = new ActivityFailure(
    'Activity task failed',
    'prepare-data',
    'data',
    'MAXIMUM_ATTEMPTS_REACHED',
    'w',
    cause,
  );

  it('has its words and those of its causes in payloads, which are encrypted', () => {
    const failure = failureConverter.errorToFailure(error, defaultPayloadConverter);
    const words = [failure, failure.cause].map((each) => [each?.message, each?.stackTrace]);
    expect(words).toEqual([
      ['Encoded failure', ''],
      ['Encoded failure', ''],
    ]);
    expect(text(failure.cause?.encodedAttributes?.data)).toContain('/secret/photos');
    const back = failureConverter.failureToError(failure, defaultPayloadConverter);
    expect(back).toMatchObject({ cause: { message: 'no such folder: /secret/photos', type: 'FileMissing' } });
  });

  it('keeps its words when it is passed on more than once', () => {
    const received = failureConverter.failureToError(
      failureConverter.errorToFailure(cause, defaultPayloadConverter),
      defaultPayloadConverter,
    );
    for (const _ of [1, 2, 3]) {
      const sent = failureConverter.errorToFailure(received, defaultPayloadConverter);
      expect(text(sent.encodedAttributes?.data)).toContain('/secret/photos');
    }
  });
});
