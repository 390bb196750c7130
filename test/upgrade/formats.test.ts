import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { refusals } from './formats/accepts.ts';
import { recordedFormats, recordFile, releases } from './formats/files.ts';
import { type FormatRecord, present, recordAnew, unexplained, unreadable, unrecorded } from './formats/record.ts';
import { type Format, formats } from './formats/table.ts';
import { recordFromText, recordText } from './formats/text.ts';

/**
 * Every form in which one version keeps something for a later one: files of a store, and what Temporal holds. docs/store.md says
 * what is promised of them.
 */
const now = present(formats);
const onRecord = recordedFormats();

/** Reads a part of what another schema on record describes. */
const partial = ['aboutSchema'];

/** The schemas by which sources read files of a store, by their names. */
function readersOfFiles(): ReadonlySet<string> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const folders = [
    'activities',
    'cli',
    'datasets',
    'evaluation',
    'report',
    'serving',
    'store',
    'training',
    'vectors',
    'worker',
  ];
  const names = folders.flatMap((folder) => {
    const files = readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' });
    return files
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => {
        const text = readFileSync(`${root}${folder}/${name}`, 'utf8');
        const calls = text.matchAll(
          /\bschema: (\w+Schema)\b|\bread(?:About|ArtifactJson)\((?:[^;()]|\([^()]*\))*?\b(\w+Schema)\b/g,
        );
        return [...calls].map(([, expected, about]) => expected ?? about ?? '');
      });
  });
  return new Set(names);
}

describe('the formats', () => {
  it('have each a name of its own', () => expect(new Set(formats.map(({ name }) => name)).size).toBe(formats.length));

  it('are those on record', () => {
    const changed = unrecorded(now, onRecord);
    const how = changed.map((name) => {
      const [before, after] = [onRecord[name], now[name]];
      if (!before || !after) return `${name}: ${before ? 'is gone' : 'is new'}`;
      const refused = refusals(before.shape, after.shape).map(({ at, why }) => `${at}: ${why}`);
      return `${name}: ${refused.length > 0 ? refused.join('; ') : 'takes all that it took before'}`;
    });
    expect(
      changed,
      `The form of what is stored or sent has changed. ${how.join('. ')}.\nIf that is meant: \`npm run formats -- --because "why what was written before can still be read"\`, and review test/upgrade/formats.json.`,
    ).toEqual([]);
  });

  it('are written as text that gives them again', () => {
    expect(recordFromText(recordText(onRecord))).toEqual(onRecord);
    expect(readFileSync(recordFile, 'utf8')).toBe(recordText(onRecord));
  });

  for (const release of releases()) {
    it(`take what release ${release.name} wrote`, () => expect(unreadable(now, release).join('\n\n')).toBe(''));

    it(`say why each change since release ${release.name} is compatible`, () =>
      expect(unexplained(onRecord, release)).toEqual([]));
  }

  it('are all that files of a store are read by', () => {
    const table = readFileSync(new URL('formats/table.ts', import.meta.url), 'utf8');
    const read = readersOfFiles();
    expect(read.size).toBeGreaterThan(30);
    expect([...read].filter((name) => !partial.includes(name) && !table.includes(name))).toEqual([]);
  });

  it('would each be missed, and its loss of a field noticed', () => {
    for (const [name, format] of Object.entries(now)) {
      const { [name]: _, ...others } = now;
      const release = { name: 'tried', formats: { [name]: format } };
      expect(unreadable(others, release).join(), name).toContain('is read by nothing any more');
      if (format.shape === 'anything') continue;
      const narrower: FormatRecord = { [name]: { ...format, shape: { of: { another: 'integer' } } } };
      expect(unreadable(narrower, release).join(), name).toContain('is no longer read');
    }
  });
});

describe('a change of a format', () => {
  const format = (schema: z.ZodType, version: Format['version'] = null) =>
    present([{ name: 'thing', schema, version }]);
  const first = format(z.strictObject({ a: z.int() }));
  const released = [{ name: '0.1', formats: first }];
  const compatible = format(z.strictObject({ a: z.int(), b: z.int().optional() }));
  const broken = format(z.strictObject({ a: z.int(), b: z.int() }));

  it('that takes all of before is recorded with its reason', () => {
    const record = recordAnew(compatible, first, released, 'b is optional');
    expect(record.thing?.changes).toEqual(['b is optional']);
    expect(unexplained(record, { name: '0.1', formats: first })).toEqual([]);
  });

  it('is not recorded without a reason', () => {
    expect(() => recordAnew(compatible, first, released, undefined)).toThrow('Say why');
    expect(unexplained(compatible, { name: '0.1', formats: first })).toEqual(['thing']);
  });

  it('that adds a check of values is for a person to judge, who says why nothing that was written fails it', () => {
    const checked = format(z.strictObject({ a: z.int() }).refine(() => true, 'must be even'));
    expect(() => recordAnew(checked, first, released, undefined)).toThrow('Say why');
    expect(recordAnew(checked, first, released, 'no version wrote an odd one').thing?.changes).toHaveLength(1);
  });

  it('needs no reason before a release has it', () =>
    expect(recordAnew(broken, first, [], undefined).thing?.changes).toBeUndefined());

  it('that a release could not be read after is refused, whatever the reason', () =>
    expect(() => recordAnew(broken, first, released, 'it is better')).toThrow(
      'What release 0.1 wrote as "thing" is no longer read:\n  b: is new and must be there\nIt says no version of its own, so it must stay readable',
    ));

  it('may be any where its version was raised', () => {
    const versioned = { name: '0.1', formats: format(z.strictObject({ a: z.int() }), 'thing/1') };
    const same = format(z.strictObject({ a: z.int(), b: z.int() }), 'thing/1');
    const raised = format(z.strictObject({ a: z.int(), b: z.int() }), 'thing/2');
    expect(() => recordAnew(same, versioned.formats, [versioned], 'it is better')).toThrow(
      'Raise its version (thing/1)',
    );
    expect(recordAnew(raised, versioned.formats, [versioned], 'readers know both').thing?.version).toBe('thing/2');
  });

  it('is refused where nothing reads the format any more', () =>
    expect(() => recordAnew({}, first, released, 'nobody needs it')).toThrow('is read by nothing any more'));
});
