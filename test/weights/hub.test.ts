import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ContrailError } from '../../contracts/errors.ts';
import type { HubWeights } from '../../contracts/initial-weights.ts';
import type { HubOptions } from '../../weights/hub/hub-weights.ts';
import { hubSettings, hubWeights, removeForgottenParts, unpinnedHubFile } from '../../weights/index.ts';
import { type Answer, digestOf, sendFile, startServer, type TestServer } from './hub.ts';

const content = Buffer.from(Array.from({ length: 5000 }, (_, at) => at % 251));
const sha256 = digestOf(content);
const weights: HubWeights = { from: 'hf:org/name@v1.0', sha256 };
const path = '/org/name/resolve/v1.0/model.safetensors';

/** The hub redirects to a store of files at another origin. */
let files: TestServer;
let hub: TestServer;
let answerOfFiles: Answer;
let answerOfHub: Answer;
let folder = '';
const toFiles: Answer = (response) =>
  void response
    .writeHead(302, { location: `${files.origin}/blob?signature=secret`, 'x-linked-etag': `"${sha256}"` })
    .end();
const refuse =
  (status: number, code?: string): Answer =>
  (response) =>
    void response.writeHead(status, code ? { 'x-error-code': code } : {}).end('no');

beforeAll(async () => {
  files = await startServer((...all) => answerOfFiles(...all));
  hub = await startServer((...all) => answerOfHub(...all));
});
afterAll(() => {
  files.close();
  hub.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  for (const { asked } of [files, hub]) asked.length = 0;
  answerOfHub = toFiles;
  answerOfFiles = (response, request) => sendFile(content, response, request);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const cache = () => join(folder, 'cache');
const keptFiles = () => readdir(join(cache(), 'weights'));
const settingsWith = (environment: Record<string, string> = {}) =>
  hubSettings({ HF_ENDPOINT: hub.origin, HF_HOME: join(folder, 'hf'), ...environment });
const fetched = (more: Partial<HubOptions> = {}, wanted = weights) =>
  hubWeights(wanted, {
    settings: settingsWith(),
    cacheFolder: cache(),
    signal: new AbortController().signal,
    limits: { bytes: 1e6, silenceMs: 5000, waits: [1, 1] },
    ...more,
  });
const failure = async (work: Promise<unknown>): Promise<ContrailError> => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ContrailError)) throw error ?? new Error('it was fetched');
  return error;
};

describe('weights of the hub', () => {
  it('are fetched through its redirect once, and kept by their content', async () => {
    const progress: (number | null)[][] = [];
    const found = await fetched({ onProgress: (...far) => progress.push(far) });
    expect(await readFile(found)).toEqual(content);
    expect(await keptFiles()).toEqual([`${sha256}.safetensors`]);
    expect(progress.at(-1)).toEqual([5000, 5000]);
    expect(await fetched()).toBe(found);
    expect(hub.asked.map((each) => each.path)).toEqual([path]);
    expect(files.asked).toHaveLength(1);
  });

  it('are fetched once by those who want them at the same time', async () => {
    const found = await Promise.all([fetched(), fetched(), fetched()]);
    expect(new Set(found).size).toBe(1);
    expect(files.asked).toHaveLength(1);
  });

  it('are asked for with the token, which goes to no other origin', async () => {
    let moved = false;
    answerOfHub = (response, request) => {
      if (moved) return toFiles(response, request);
      moved = true;
      response.writeHead(307, { location: '/org/renamed/resolve/v1.0/model.safetensors' }).end();
    };
    await fetched({ settings: settingsWith({ HF_TOKEN: 'hf_secret' }) });
    expect(hub.asked.map((each) => each.authorization)).toEqual(['Bearer hf_secret', 'Bearer hf_secret']);
    expect(files.asked.map((each) => each.authorization)).toEqual([undefined]);
  });

  it('may be another file of the repository, at a branch whose name has a slash', async () => {
    await fetched({}, { ...weights, from: 'hf:name@refs/pr/1', file: 'vit/model.safetensors' });
    expect(hub.asked[0]?.path).toBe('/name/resolve/refs%2Fpr%2F1/vit/model.safetensors');
  });

  it('of a branch are fetched with a word of warning', async () => {
    const lines: string[] = [];
    await fetched({ log: (line) => lines.push(line) }, { ...weights, from: 'hf:org/name@main' });
    expect(lines).toEqual([expect.stringMatching(/main may become another file.*Name a commit or a tag/)]);
  });

  it('are fetched again where the kept file is damaged', async () => {
    const found = await fetched();
    await writeFile(found, 'damaged');
    expect(await readFile(await fetched())).toEqual(content);
    expect(files.asked).toHaveLength(2);
  });
});

describe('a file whose digest is not known yet', () => {
  it('is the one that was kept only where that has the digest of its name', async () => {
    const wanted = { repository: 'org/name', revision: 'v1.0', file: 'model.safetensors' };
    const lines: string[] = [];
    const signal = new AbortController().signal;
    const look = () =>
      unpinnedHubFile(wanted, 'it', {
        settings: settingsWith(),
        cacheFolder: cache(),
        signal,
        log: (line) => lines.push(line),
      });
    const kept = await look();
    expect(await look()).toBe(kept);
    expect(files.asked).toHaveLength(1);
    await writeFile(kept, 'damaged');
    expect(await readFile(await look())).toEqual(content);
    expect(lines).toEqual(['it: the file that was kept is damaged, and is fetched again.']);
  });
});

describe('a download that is cut off', () => {
  const patient = { limits: { bytes: 1e6, silenceMs: 5000, waits: Array<number>(20).fill(1) } };
  /** Where the requests began. What a broken connection had not handed over yet is asked for again. */
  const beginnings = () => files.asked.map(({ range }) => Number(/\d+/.exec(range ?? '')?.[0] ?? 0));

  it('goes on where it ended', async () => {
    answerOfFiles = (response, request) => sendFile(content, response, request, 2000);
    expect(await readFile(await fetched(patient))).toEqual(content);
    expect(beginnings().length).toBeGreaterThanOrEqual(3);
    expect(beginnings()).toEqual(beginnings().sort((a, b) => a - b));
    expect(beginnings().at(-1)).toBeGreaterThanOrEqual(3000);
  });

  it('again and again is left to the next attempt, which goes on too', async () => {
    answerOfFiles = (response, request) => sendFile(content, response, request, 1000);
    const error = await failure(fetched());
    expect(error).toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringMatching(/hf:org\/name@v1\.0 model\.safetensors could not be fetched: .*What came is kept/),
    });
    expect(error.message).not.toContain('secret');
    expect(await keptFiles()).toEqual([`.${sha256}.part`]);
    const { size } = await stat(join(cache(), 'weights', `.${sha256}.part`));
    answerOfFiles = (response, request) => sendFile(content, response, request);
    expect(await readFile(await fetched())).toEqual(content);
    expect(beginnings().at(-1)).toBe(size);
    expect(await keptFiles()).toEqual([`${sha256}.safetensors`]);
  });

  it('from the beginning each time is given up, however much comes', async () => {
    const large = Buffer.alloc(3 * 2 ** 20);
    answerOfFiles = (response, request) => {
      if (request.headers.range) return refuse(416)(response, request);
      response.writeHead(200, { 'content-length': large.length });
      response.write(large.subarray(0, 2 ** 21), () => setTimeout(() => response.destroy(), 50));
    };
    const limits = { bytes: 1e7, silenceMs: 5000, waits: [1, 1] };
    expect(await failure(fetched({ limits }))).toMatchObject({ code: 'ConnectionFailed' });
    expect(files.asked.length).toBeLessThanOrEqual(5);
  });

  it('by a server that sends a byte now and then is given up too', async () => {
    answerOfFiles = (response) => {
      response.writeHead(200, { 'content-length': content.length });
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    };
    const limits = { bytes: 1e6, silenceMs: 5000, slowMs: 200, waits: [] };
    expect(await failure(fetched({ limits }))).toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringMatching(/the server sent less than 1.* in 0\.2 s/),
    });
  });

  it('is not kept where it can only fail again', async () => {
    answerOfFiles = (response, request) => sendFile(content, response, request, 1000);
    await failure(fetched());
    answerOfHub = refuse(404);
    expect((await failure(fetched())).code).toBe('InvalidInput');
    expect(await keptFiles()).toEqual([]);
  });

  it('and left for a day is removed by a collection', async () => {
    await mkdir(join(cache(), 'weights'), { recursive: true });
    const [old, young, whole] = [`.${sha256}.part`, `.${sha256}.f00.part`, `${sha256}.safetensors`];
    for (const name of [old, young, whole]) await writeFile(join(cache(), 'weights', name), 'abc');
    for (const name of [old, whole]) await utimes(join(cache(), 'weights', name), new Date(0), new Date(0));
    const removed = [{ path: join(cache(), 'weights', old), bytes: 3 }];
    expect(await removeForgottenParts(cache(), { dryRun: true })).toEqual(removed);
    expect(await keptFiles()).toHaveLength(3);
    expect(await removeForgottenParts(cache(), { dryRun: false })).toEqual(removed);
    expect((await keptFiles()).sort()).toEqual([young, whole].sort());
    expect(await removeForgottenParts(join(folder, 'none'), { dryRun: false })).toEqual([]);
  });

  it('is never gone on with through a link', async () => {
    await mkdir(join(cache(), 'weights'), { recursive: true });
    const mine = join(folder, 'mine');
    for (const name of [`.${sha256}.part`, `.${sha256}.f00.part`]) {
      await writeFile(mine, 'mine');
      await utimes(mine, new Date(0), new Date(0));
      await symlink(mine, join(cache(), 'weights', name));
      const found = await fetched();
      expect((await lstat(found)).isFile()).toBe(true);
      expect(await readFile(mine, 'utf8')).toBe('mine');
      await rm(found);
      await rm(join(cache(), 'weights', name), { force: true });
    }
    await mkdir(join(cache(), 'weights', `.${sha256}.part`));
    expect(await readFile(await fetched())).toEqual(content);
  });

  it('because its process was killed is taken over once nobody can be writing', async () => {
    await mkdir(join(cache(), 'weights'), { recursive: true });
    const part = join(cache(), 'weights', `.${sha256}.f00.part`);
    await writeFile(part, content.subarray(0, 1234));
    await utimes(part, new Date(0), new Date(0));
    await fetched();
    expect(files.asked[0]?.range).toBe('bytes=1234-');
  });

  it('begins anew where the server gives no parts, or the beginning is of another file', async () => {
    await mkdir(join(cache(), 'weights'), { recursive: true });
    const part = join(cache(), 'weights', `.${sha256}.part`);
    await writeFile(part, 'x'.repeat(100));
    answerOfFiles = (response) => void response.writeHead(200).end(content);
    expect(await readFile(await fetched())).toEqual(content);
    await rm(cache(), { recursive: true });
    await mkdir(join(cache(), 'weights'), { recursive: true });
    await writeFile(part, 'x'.repeat(100));
    answerOfFiles = (response, request) => sendFile(content, response, request);
    expect(await readFile(await fetched())).toEqual(content);
    await rm(cache(), { recursive: true });
    await mkdir(join(cache(), 'weights'), { recursive: true });
    await writeFile(part, 'x'.repeat(9999));
    expect(await readFile(await fetched())).toEqual(content);
  });

  it('because the server says nothing any more is tried again', async () => {
    answerOfFiles = (response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 10));
    };
    const error = await failure(fetched({ limits: { bytes: 1e6, silenceMs: 300, waits: [] } }));
    expect(error).toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringMatching(/said nothing for 0\.3 s/),
    });
  });

  it('ends at once when the step is cancelled', async () => {
    const stop = new AbortController();
    answerOfFiles = (response) => {
      response.writeHead(200);
      response.write('x', () => stop.abort(new Error('cancelled')));
    };
    await expect(fetched({ signal: stop.signal })).rejects.toThrow('cancelled');
    expect(await keptFiles()).toEqual([`.${sha256}.part`]);
  });
});

describe('weights that cannot be fetched are refused with what to do', () => {
  const answers: readonly [string, Answer, Record<string, string>, string, RegExp][] = [
    [
      '401 without a token',
      refuse(401),
      {},
      'InvalidInput',
      /answered 401\. The repository org\/name is not public, or there is none.*set HF_TOKEN/,
    ],
    [
      '401 to a token',
      refuse(401),
      { HF_TOKEN: 'hf_secret' },
      'InvalidInput',
      /The token in HF_TOKEN has expired, or may not read org\/name/,
    ],
    [
      '403 of a gated repository',
      refuse(403, 'GatedRepo'),
      { HF_TOKEN: 'hf_secret' },
      'InvalidInput',
      /accept them at http.*\/org\/name, and set HF_TOKEN/,
    ],
    ['404', refuse(404), {}, 'InvalidInput', /answered 404\. Check the name org\/name, the revision v1\.0 and `file`/],
    ['404 of a revision', refuse(404, 'RevisionNotFound'), {}, 'InvalidInput', /org\/name has no revision v1\.0/],
    ['404 of a file', refuse(404, 'EntryNotFound'), {}, 'InvalidInput', /org\/name has no model\.safetensors at v1\.0/],
    ['a busy hub', refuse(503), {}, 'ConnectionFailed', /the hub answered 503\. What came is kept\./],
    [
      'a redirect to a file',
      (response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      {},
      'InvalidInput',
      /redirected from http: to file:/,
    ],
    [
      'a redirect to a URL with a password',
      (response) => void response.writeHead(302, { location: 'http://:hf_secret@127.0.0.1/' }).end(),
      {},
      'InvalidInput',
      /redirected to a URL with a user name or a password/,
    ],
    [
      'a file that is packed on its way',
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content)),
      {},
      'InvalidInput',
      /came encoded as gzip, which was not asked for/,
    ],
    [
      'a circle',
      (response) => void response.writeHead(302, { location: '/' }).end(),
      {},
      'InvalidInput',
      /redirected more than 5 times/,
    ],
  ];
  it.each(answers)('%s', async (_, answer, environment, code, message) => {
    answerOfHub = answer;
    const error = await failure(fetched({ settings: settingsWith(environment) }));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.message).not.toContain('hf_secret');
  });

  it('a wrong digest, with both, and before anything is fetched where the hub says it', async () => {
    const other = { ...weights, sha256: '1'.repeat(64) };
    expect(await failure(fetched({}, other))).toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining(`has SHA-256 ${sha256}, not ${other.sha256}. Name the revision`),
    });
    expect(files.asked).toEqual([]);
    expect(await keptFiles()).toEqual([]);
    answerOfHub = (response, request) => sendFile(content, response, request);
    expect((await failure(fetched({}, other))).message).toContain(`has SHA-256 ${sha256}, not ${other.sha256}`);
    expect(await keptFiles()).toEqual([]);
  });

  it('a file that is too large', async () => {
    const limits = { bytes: 100, silenceMs: 5000, waits: [] };
    expect(await failure(fetched({ limits }))).toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/has more than 100 bytes/),
    });
    answerOfFiles = (response) => void response.end(content);
    expect(await failure(fetched({ limits }))).toMatchObject({
      message: expect.stringMatching(/has more than 100 bytes/),
    });
  });

  it('a server that is not there', async () => {
    const gone = await startServer(refuse(500));
    gone.close();
    const error = await failure(fetched({ settings: settingsWith({ HF_ENDPOINT: gone.origin }) }));
    expect(error).toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringContaining('the server takes no connection'),
    });
  });
});

describe('without internet', () => {
  const offline = () => ({ settings: settingsWith({ HF_HUB_OFFLINE: '1' }) });
  const commit = 'c'.repeat(40);
  const inLibraryCache = async (name: string, text: string | Uint8Array) => {
    const file = join(folder, 'hf/hub/models--org--name', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  };

  it("weights are found that the hub's own library fetched, by commit and by tag", async () => {
    const file = await inLibraryCache(`snapshots/${commit}/model.safetensors`, content);
    expect(await fetched(offline(), { ...weights, from: `hf:org/name@${commit}` })).toBe(file);
    await expect(fetched(offline())).rejects.toThrow(/neither/);
    await inLibraryCache('refs/v1.0', `${commit}\n`);
    expect(await fetched(offline())).toBe(file);
    expect(await fetched()).toBe(file);
    expect(hub.asked).toEqual([]);
  });

  it('a reference leads nowhere but to a commit', async () => {
    await inLibraryCache('refs/v1.0', '../../../secret');
    await writeFile(join(folder, 'secret'), content);
    await expect(fetched(offline())).rejects.toThrow(/neither/);
  });

  it('what is nowhere is refused with how to get it, and another file with its digest', async () => {
    expect(await failure(fetched(offline()))).toMatchObject({
      code: 'FileMissing',
      message: expect.stringMatching(
        /HF_HUB_OFFLINE forbids.*`hf download org\/name model\.safetensors --revision v1\.0`/,
      ),
    });
    await inLibraryCache('refs/v1.0', commit);
    await inLibraryCache(`snapshots/${commit}/model.safetensors`, 'another');
    expect(await failure(fetched(offline()))).toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining(`has SHA-256 ${digestOf(Buffer.from('another'))} in`),
    });
    expect(await readFile(await fetched())).toEqual(content);
  });
});
