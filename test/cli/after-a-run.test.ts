import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { modelsListCommand } from '../../cli/commands/models/ls.ts';
import { reportOf, reportText } from '../../cli/summary.ts';
import { localTime } from '../../cli/times.ts';
import { digestOfJson, jsonBytes, openStore, writeReportFile } from '../../store/index.ts';

const home = await mkdtemp(join(tmpdir(), 'contrail-after-a-run-'));
const store = openStore(join(home, 'store'));
beforeAll(() => {
  vi.stubEnv('CONTRAIL_HOME', home);
  vi.stubEnv('CONTRAIL_STORE', undefined);
});
afterAll(() => rm(home, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const printed = async (work: () => Promise<number>) => {
  const out: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  expect(await work()).toBe(0);
  return out.join('');
};

describe('after a run', () => {
  it('a page is named only where there is one', async () => {
    await writeReportFile(store, 'run', 'evaluate.json', Buffer.from('{}'));
    expect(await reportOf(store, 'run')).toBeNull();
    expect(reportText(null, 'run')).toBe('none yet; `contrail report run` writes it');
    await writeReportFile(store, 'run', 'report.html', Buffer.from('<html>'));
    expect(await reportOf(store, 'run')).toBe(store.locate('runs/run/report/report.html'));
  });

  it('models ls says why a model was promoted, and why the last candidate was not', async () => {
    const ref = (kind: string) => ({ kind, digest: digestOfJson(kind) });
    const [promotedAt, at] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'];
    const version = {
      ...{ format: 'contrail-model/1', model: 'shirts', version: 1, run: 'first', step: 'promote' },
      ...{ encoder: ref('encoder'), classifier: ref('classifier'), evaluation: ref('evaluation') },
      ...{ metrics: { top1: 0.9, top5: 1, macroF1: 0.9, knn: 0.9 }, testSet: digestOfJson(1) },
      ...{ reason: 'the first model of this name', promotedAt },
    };
    await store.write('models/shirts/versions/000001.json', jsonBytes(version));
    const refused = {
      ...{ format: 'contrail-refusal/1', model: 'shirts', run: 'second', step: 'promote', version: 1 },
      ...{ reason: 'top1 0.8, and version 1 has 0.9', before: 0.9, after: 0.8, at },
    };
    await store.write('models/shirts/refused/second.json', jsonBytes(refused));
    const people = await printed(() => modelsListCommand({ json: false }));
    expect(people).toContain('shirts: version 1, of run first, was promoted: the first model of this name');
    expect(people).toContain(
      `shirts: since then, second was not promoted (${localTime(at)}): top1 0.8, and version 1 has 0.9`,
    );
    // Sentences stand below the table: in a column they would make each of its lines wrap.
    for (const line of people.split('\n').filter((each) => /first|second/.test(each) && !each.startsWith('shirts:')))
      expect(line.length).toBeLessThanOrEqual(100);
    const json = JSON.parse(await printed(() => modelsListCommand({ json: true })));
    expect(json).toMatchObject([
      { reason: version.reason, promotedAt, refused: { run: 'second', reason: refused.reason } },
    ]);
  });
});

describe('times for people', () => {
  it('are those of the clock here, and say how far it is from UTC', () => {
    const zone = process.env.TZ;
    try {
      for (const [name, text] of [
        ['UTC', '2026-11-27 00:05:09 +00:00'],
        ['Asia/Kolkata', '2026-11-27 05:35:09 +05:30'],
        ['America/St_Johns', '2026-11-26 20:35:09 -03:30'],
      ] as const) {
        process.env.TZ = name;
        expect(localTime('2026-11-27T00:05:09.000Z')).toBe(text);
      }
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });
});
