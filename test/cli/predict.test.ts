/** `contrail predict` and `contrail similar`, as a person uses them: on files that the model never saw, and on what is none. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { predictCommand } from '../../cli/commands/predict.ts';
import { encoderAboutSchema } from '../../contracts/encoder.ts';
import { findImage } from '../../datasets/index.ts';
import { addVersion, emptyArtifact, readAbout } from '../../store/index.ts';
import { pngChunk } from '../png-chunk.ts';
import { stripes } from '../serving/pictures.ts';
import { run, type SmallModel, smallModel } from '../serving/small-model.ts';
import { clustered, indexOf, sha256 } from '../vectors/vectors.ts';

const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
let model: SmallModel;
let photos: string;

function command(args: readonly string[], input: string | Buffer = '') {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, CONTRAIL_HOME: model.home.folder, NO_COLOR: '1' };
    const options = { env, cwd: photos, maxBuffer: 2 ** 26 };
    const child = execFile(process.execPath, [contrail, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
    // A command that does not read it may be gone before.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

beforeAll(async () => {
  model = await smallModel({ measured: true });
  photos = join(model.folder, 'photos');
  await mkdir(join(photos, 'deep', 'er'), { recursive: true });
  for (const [at, colour] of (['red', 'green', 'blue'] as const).entries())
    await writeFile(join(photos, 'deep', 'er', `${colour}.png`), await stripes(colour, 1000 + at, 64));
  await writeFile(
    join(photos, 'red.jpg'),
    await sharp(await stripes('red', 2000))
      .jpeg()
      .toBuffer(),
  );
});

describe('predict', () => {
  it('names the class of a photo, and says by which model and how sure', async () => {
    const { code, stdout, stderr } = await command(['predict', run, 'red.jpg']);
    // What is unknown is told by the training images that the evaluation keeps, so no index is made for it.
    expect(stderr).not.toContain('Making one');
    expect(stderr).toMatch(
      /By stripes-1\/pretrain\.\n\w+: the most similar training image has a similarity of [01]\.\d{3}/,
    );
    expect(stdout).toMatch(
      /^photo +shows +confidence +or *\nred\.jpg +red +\d+\.\d\d % +\w+ \d+\.\d\d %, \w+ \d+\.\d\d %/,
    );
    expect(code).toBe(0);
  });

  it('takes the newest run of a pipeline by its name, folders, and an image on standard input', async () => {
    const image = await readFile(join(photos, 'red.jpg'));
    const { code, stdout } = await command(['predict', 'stripes', '-', 'deep', '--json', '--top', '1'], image);
    const { model: by, photos: found, rejected } = JSON.parse(stdout);
    expect(by).toMatchObject({ name: `${run}/pretrain`, version: null, run });
    expect(found.map(({ name, label }: { name: string; label: string }) => [name, label])).toEqual([
      ['-', 'red'],
      ['deep/er/blue.png', 'blue'],
      ['deep/er/green.png', 'green'],
      ['deep/er/red.png', 'red'],
    ]);
    for (const { calibrated, confidence, others, unknown } of found) {
      expect([calibrated, others, typeof unknown]).toEqual([true, [], 'boolean']);
      expect(confidence).toBeGreaterThan(0.34);
    }
    expect([rejected, code]).toEqual([[], 0]);
  });

  it('accounts for every file of a folder that somebody means ill with', async () => {
    const folder = join(photos, 'hostile');
    await mkdir(folder);
    await writeFile(join(folder, 'text.jpg'), 'this is no picture at all\n');
    await writeFile(join(folder, 'empty.png'), '');
    await writeFile(join(folder, 'bomb.png'), largePng(30_000));
    await writeFile(join(folder, 'cut.png'), (await stripes('red', 1)).subarray(0, 700));
    await symlink('.', join(folder, 'round'));
    await symlink('../..', join(folder, 'above'));
    await writeFile(join(folder, '\x1b[31m=1+1\n.png'), await stripes('green', 3000));
    const { code, stdout, stderr } = await command(['predict', run, 'hostile', '--to', 'out/found.csv']);
    const lines = (await readFile(join(photos, 'out', 'found.csv'), 'utf8')).split('\n');
    expect(lines[0]).toBe('photo,label,confidence,unknown,alike,label_2,confidence_2,label_3,confidence_3,rejected');
    expect(lines.join('\n')).toContain('hostile/text.jpg,,,,,,,,,');
    expect(lines.filter((line) => line.includes(',green,'))).toHaveLength(1);
    expect(stdout).toBe('');
    for (const name of ['text.jpg', 'empty.png', 'bomb.png', 'cut.png', 'above'])
      expect(stderr).toContain(`hostile/${name} `);
    expect(stderr).toContain('bomb.png is larger than 100 megapixels');
    expect(stderr).not.toContain('\x1b');
    expect(stderr).toContain('5 of 6 photos could not be used.');
    expect(code).toBe(0);
  });

  it('fetches nothing from this machine, whatever its name, and ends with 1 where nothing could be used', async () => {
    const urls = [
      'http://localhost:1/a.png',
      'http://127.0.0.1:1/a.png',
      'http://[::1]:1/a.png',
      'http://0x7f.1/a.png',
    ];
    const { code, stdout, stderr } = await command(
      ['predict', run, '--allow-urls', '--list'],
      [...urls, 'missing.png'].join('\n'),
    );
    expect(stderr.match(/is at an address of this machine or its network/g)).toHaveLength(4);
    expect(stderr).toContain('missing.png is not there');
    expect(stderr).toContain('None of 5 photos could be used.');
    expect([code, stdout]).toEqual([1, '']);
  });

  it('goes on without an index whose files were removed, and says what is missing and what to do', async () => {
    const { store, encoder, classifier, evaluation } = model;
    const { dimension } = await readAbout(store, encoder, encoderAboutSchema);
    const rows = clustered(30, { dimension, clusters: 3 }).map((vector, at) => ({ name: `${at}.jpg`, vector }));
    const index = await indexOf(store, { rows, encoder });
    const parts = { model: 'emptied', version: 1, run, step: null, encoder, index, evaluation: evaluation ?? encoder };
    await addVersion(store, { ...parts, classifier, metrics: {}, testSet: '0'.repeat(64), reason: 'by a test' });
    const { uses } = await findImage(store, [sha256('7.jpg')]);
    for (const { artifact, files } of uses.emptied)
      await emptyArtifact(store, artifact, { files, at: '2026-11-27T00:00:00.000Z' });
    const { code, stdout, stderr } = await command(['predict', '--model', 'emptied', 'red.jpg', '--json']);
    expect(stderr).toMatch(
      /was removed on 2026-11-27, because an image was forgotten .* `contrail index build <model> --from <run>` .* The classifier answers without this index\./s,
    );
    const { model: by, photos: found } = JSON.parse(stdout);
    expect([code, by.index, found[0].label, found[0].because]).toEqual([
      0,
      null,
      'red',
      expect.stringContaining('training image'),
    ]);
    const similar = await command(['similar', '--model', 'emptied', 'red.jpg']);
    expect([similar.code, similar.stdout]).toEqual([1, '']);
    expect(similar.stderr).toContain('was removed on 2026-11-27, because an image was forgotten');
    expect(similar.stderr).not.toMatch(/^ +at /m);
  });

  it('writes over no file and through no link that leads nowhere, unless it is told to', async () => {
    await writeFile(join(photos, 'mine.csv'), 'mine');
    await symlink('mine.csv', join(photos, 'linked.csv'));
    await symlink('nothing.csv', join(photos, 'dangling.csv'));
    for (const [to, why] of [
      ['mine.csv', 'is there already. Name a file that does not exist yet, or say --replace.'],
      ['linked.csv', 'is there already.'],
      ['dangling.csv', 'is a link to what is not there.'],
    ] as const) {
      const { code, stderr } = await command(['predict', run, 'red.jpg', '--to', to]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${to} ${why}`)]);
    }
    expect(await readFile(join(photos, 'mine.csv'), 'utf8')).toBe('mine');
    expect((await command(['predict', run, 'red.jpg', '--to', 'linked.csv', '--replace'])).code).toBe(0);
    expect(await readFile(join(photos, 'mine.csv'), 'utf8')).toMatch(/^photo,label/);
  });

  it.each([
    ['a URL', [run, 'https://example.com/a.png?key=secret'], {}, /^(?!.*secret).*example\.com\/a\.png.*--allow-urls/s],
    ['an unknown run', ['no-such-run', 'red.jpg'], {}, /no run no-such-run/],
    ['no photo', [run], {}, /Name photos/],
    ['two forms', [run, 'red.jpg'], { csv: true, json: true }, /Choose one/],
    ['a file of no form', [run, 'red.jpg'], { to: 'found.txt' }, /\.csv or \.json/],
    ['a step of a model', ['red.jpg'], { model: 'm', step: 's' }, /--step chooses in a run/],
    ['an unknown model', ['red.jpg'], { model: 'm' }, /There is no model m/],
  ])('refuses %s, and says what to do', async (_, names, given, said) => {
    vi.stubEnv('CONTRAIL_HOME', model.home.folder);
    const options = { top: 3, csv: false, json: false, list: false, allowUrls: false, replace: false, ...given };
    await expect(predictCommand(names, options)).rejects.toMatchObject({
      code: 'Usage',
      message: expect.stringMatching(said),
    });
    vi.unstubAllEnvs();
  });
});

describe('similar', () => {
  it('finds look-alikes in an index of the training images, which it makes once', async () => {
    const first = await command(['similar', run, 'red.jpg', '--k', '5']);
    expect(first.stderr).toContain('has no index. Making one of the images that it was trained on');
    expect(first.stdout).toMatch(/^red\.jpg\n/);
    expect(first.stdout.match(/^[01]\.\d{4} +red +(?:train\/)?red\/\d+\.png/gm)?.length).toBeGreaterThanOrEqual(4);
    expect(first.code).toBe(0);
    const name = '<img src=x onerror=alert(1)>.png';
    await writeFile(join(photos, name), await stripes('blue', 4000));
    const second = await command(['similar', run, 'red.jpg', 'deep', name, '--json', '--to', 'page.html']);
    expect([second.code, second.stderr]).toEqual([0, 'Look-alikes of 5 photos in page.html\n']);
    const { index, photos: found } = JSON.parse(second.stdout);
    expect(index.method).toBe('exact');
    for (const { lookAlikes } of found) {
      expect(lookAlikes).toHaveLength(10);
      const scores = lookAlikes.map(({ score }: { score: number }) => score);
      expect(scores).toEqual(scores.toSorted((a: number, b: number) => b - a));
    }
    const page = await readFile(join(photos, 'page.html'), 'utf8');
    expect(page.match(/<img src="data:image\/webp;base64,/g)).toHaveLength(55);
    expect(page).not.toContain(name);
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;.png');
    expect(page.replaceAll(/data:image\/webp;base64,[\w+/=]+/g, '')).not.toMatch(/https?:|\/\/|<script|url\(/);
  });
});

/** A PNG that says that it is so large, and ends soon. */
function largePng(side: number): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(2 ** 16))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}
