import { afterAll, describe, expect, it } from 'vitest';
import { fuzz } from './engine/fuzz.ts';
import { createHost, type Host } from './engine/host.ts';
import { mutated } from './engine/mutate.ts';
import { randomOf } from './engine/random.ts';
import { bytesOfText, type Form, headed, textOfBytes } from './engine/target.ts';
import { targetNamed } from './targets/index.ts';
import { misbehaving } from './targets/misbehaving.ts';

const patient = createHost({ longestMs: 60_000 });
const impatient = createHost({ longestMs: 1500 });
afterAll(() => Promise.all([patient.close(), impatient.close()]));

const found = async (host: Host, ...kept: readonly string[]) => {
  const options = { inputs: 0, seed: 1, kept: kept.map(bytesOfText), costlyTries: 1, repeats: 1 };
  const { findings } = await fuzz(misbehaving, host, options);
  return findings.map(({ sign, input }) => [sign, textOfBytes(input)]);
};

describe('what no input may do is found, and the input made short:', () => {
  it.each([
    ['an error of another class', 'please throw it', /^TypeError: nobody foresaw this misbehaving\.ts$/, 'throw'],
    ['a message with a stack', 'a stack here', /^message with a stack/, 'stack'],
    ['the end of the process', 'to exit now', /^process ended \(exit code 3\)$/, /exit/],
    ['an abort of native code', 'an abort', /^process ended \(SIGABRT\)$/, /abort/],
    ['a loop without end', 'loop', /^hang$/, /loop/],
    ['a promise that is never settled', 'forget', /^hang$/, /forget/],
    ['an error beside the input', 'then reject it', /^unhandled RangeError misbehaving\.ts$/, 'reject'],
    ['more than a second', 'slow', /^slow$/, /slow/],
    ['memory without measure', 'fill', /^memory$/, /fill/],
  ])('%s', async (_, input, sign, short) => {
    const host = String(sign).includes('hang') ? impatient : patient;
    expect(await found(host, 'sound', input, 'sound')).toEqual([
      [expect.stringMatching(sign), expect.stringMatching(short)],
    ]);
  });

  it('and nothing is found where inputs are read or refused', async () => {
    expect(await found(patient, 'sound', 'refuse this')).toEqual([]);
  });

  it('one after the other in one run, each once', async () => {
    expect(await found(patient, 'throw', 'exit', 'throw again', 'sound')).toHaveLength(2);
  });
});

describe('inputs', () => {
  const seeds: Readonly<Record<Form, string>> = {
    bytes: '\x00\x01PNG and more bytes',
    text: 'name: a\nsteps: { data: { uses: prepare-data } }\n',
    json: '{"a":[1,2,{"b":null}],"c":"text"}',
    'json-lines': '{"a":1}\n{"a":2}\n',
  };

  it.each(Object.keys(seeds) as Form[])('follow from seed, target and number: %s', (form) => {
    const pool = { seeds: [bytesOfText(seeds[form]), bytesOfText('another')], news: [] };
    const inputs = (seed: number) =>
      Array.from({ length: 200 }, (_, index) =>
        Buffer.from(mutated({ form, mostBytes: 1000 }, pool, randomOf(seed, 'x', index))).toString('hex'),
      );
    expect(inputs(1)).toEqual(inputs(1));
    expect(inputs(1)).not.toEqual(inputs(2));
    expect(new Set(inputs(1)).size).toBeGreaterThan(120);
    expect(Math.max(...inputs(1).map(({ length }) => length / 2))).toBeLessThanOrEqual(1000);
  });

  it('of JSON stay JSON in good part, and reach names that no object must have', () => {
    const pool = { seeds: [bytesOfText(seeds.json)], news: [] };
    const texts = Array.from({ length: 1000 }, (_, index) =>
      textOfBytes(mutated({ form: 'json' }, pool, randomOf(3, 'x', index))),
    );
    const isJson = (text: string) => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    expect(texts.filter(isJson).length).toBeGreaterThan(400);
    expect(texts.some((text) => text.includes('__proto__'))).toBe(true);
  });

  it('with a head mostly keep it', () => {
    const { region } = targetNamed('leases');
    const pool = { seeds: [headed('a/b.json', '{"owner":"me"}')], news: [] };
    const shape = { form: 'json' as const, ...(region ? { region } : {}) };
    const kept = Array.from({ length: 200 }, (_, index) =>
      textOfBytes(mutated(shape, pool, randomOf(4, 'x', index))),
    ).filter((text) => text.startsWith('a/b.json\n'));
    expect(kept.length).toBeGreaterThan(100);
  });
});
