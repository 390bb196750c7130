import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { payloadKeys } from '../../payloads/index.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const keysOf = (text: string) => payloadKeys({ CONTRAIL_PAYLOAD_KEYS: text });

function messageOf(environment: Record<string, string>): string {
  try {
    payloadKeys(environment);
  } catch (error) {
    expect(error).toMatchObject({ name: 'ContrailError', code: 'Usage' });
    return error instanceof Error ? error.message : '';
  }
  return 'nothing was refused';
}

describe('CONTRAIL_PAYLOAD_KEYS', () => {
  it('is not needed', () => expect(payloadKeys({ PATH: '/bin' })).toBeNull());

  it('has keys with an id each, the first of which encrypts', () => {
    const keys = keysOf(`b:${key(2)}, a:${key(1)}`);
    expect(keys?.current).toBe('b');
    expect([...(keys?.byId ?? [])].map(([id, each]) => [id, each.export().toString('base64')])).toEqual([
      ['b', key(2)],
      ['a', key(1)],
    ]);
  });

  it('shows no key when it is printed', () => {
    const shown = inspect(keysOf(`a:${key(1)}`), { depth: 9, showHidden: true });
    expect(shown).not.toContain(key(1));
    expect(shown).not.toContain('01 01');
  });

  it.each([
    ['', 'CONTRAIL_PAYLOAD_KEYS is empty'],
    ['  ', 'CONTRAIL_PAYLOAD_KEYS is empty'],
    [key(1), 'Entry 1 of CONTRAIL_PAYLOAD_KEYS is not id:key'],
    [`a:${key(1)},`, 'Entry 2 of CONTRAIL_PAYLOAD_KEYS is not id:key'],
    [`a b:${key(1)}`, 'Entry 1 of CONTRAIL_PAYLOAD_KEYS has an id that is not'],
    [`${key(1)}:a`, 'Entry 1 of CONTRAIL_PAYLOAD_KEYS has an id that is not'],
    [`a:${key(1)},b:${'!'.repeat(44)}`, 'Entry 2 of CONTRAIL_PAYLOAD_KEYS has a key that is not base64'],
    [`a:${Buffer.alloc(31).toString('base64')}`, 'has a key that is not 32 bytes'],
    [`a:${Buffer.alloc(33).toString('base64')}`, 'has a key that is not 32 bytes'],
    [`a:${Buffer.alloc(32, 7).toString('hex')}`, 'has a key that is not 32 bytes'],
    [`a:${key(1)},a:${key(2)}`, 'an id or a key twice: see a'],
    [`a:${key(1)},b:${key(1)}`, 'an id or a key twice: see b'],
    [Array.from({ length: 17 }, (_, at) => `k${at}:${key(at)}`).join(','), 'has 17 keys; 16 is the most'],
  ])('is refused, and not quoted: %#', (text, said) => {
    const message = messageOf({ CONTRAIL_PAYLOAD_KEYS: text });
    expect(message).toContain(said);
    for (const part of text.split(/[:,]/)) if (part.length > 3) expect(message).not.toContain(part);
  });

  it.each(['CONTRAIL_PAYLOAD_KEY', 'CONTRAIL_PAYLOADS_KEYS', 'contrail_payload_keys'])(
    'is missed by %s, which is refused: nothing would be encrypted',
    (name) => expect(messageOf({ [name]: `a:${key(1)}` })).toContain(`There is no variable ${name}`),
  );
});
