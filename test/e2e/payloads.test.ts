import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askRun } from '../../cli/ask-run.ts';
import { startCodecServer } from '../../cli/codec-server.ts';
import { pendingOf } from '../../cli/pending.ts';
import { queryStatus } from '../../cli/runs.ts';
import { withTrouble } from '../../cli/trouble.ts';
import { payloadKeys } from '../../payloads/index.ts';
import { historyKeys } from '../payloads/test-keys.ts';
import { runCommand } from './command.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';
import { recordHistory } from './record-history.ts';

/**
 * A whole run with keys on the real server, worker and trainer: what the server holds of it, read without the codec, shows nothing of
 * the pipeline but what docs/security.md lists.
 */
let environment: TestEnvironment;
let images: string;

beforeAll(async () => {
  process.env.CONTRAIL_PAYLOAD_KEYS = historyKeys;
  environment = await startTestEnvironment(['--own-steps']);
  images = join(environment.home.folder, 'SECRET-folder');
  await mkdir(images);
}, 120_000);
afterAll(async () => {
  await environment.stop();
  delete process.env.CONTRAIL_PAYLOAD_KEYS;
}, 60_000);

/** Every kind of word that a user writes has a word of its own. */
const pipeline = () => `
name: readable-name
description: SECRET-description
params: { note: SECRET-param }
steps:
  data:
    uses: prepare-data
    with: { dataset: generated, generated: { classes: 4, images: 160 } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 4, blocks: [1] }
      projection: { hidden: 8, output: 4 }
      augmentation: none
      batch: 32
      epochs: 2
  ask:
    uses: approve
    needs: [pretrain]
    with: { message: "SECRET-question \${params.note}" }
  flaky:
    uses: run
    needs: [ask]
    with:
      command: [sh, -c, 'test -e ${images}/ready || { echo SECRET-output >&2; exit 3; }; echo {} > "$CONTRAIL_RESULT"']
    retry: { initialInterval: 500ms, maximumInterval: 1s, maximumAttempts: 60 }
  broken:
    uses: prepare-data
    needs: [flaky]
    with: { dataset: image-folder, path: ${images} }
`;

const secret = /SECRET-[a-z]+/g;
const until = async <T>(ask: () => Promise<T | null | undefined>): Promise<T> => {
  for (;;) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** All that the server holds of a workflow, with the bytes of its payloads as text. */
async function heldOf(workflowId: string): Promise<unknown> {
  const { connection, namespace } = environment.client();
  const execution = { workflowId };
  const { workflowService } = connection;
  return [
    await workflowService.getWorkflowExecutionHistory({ namespace, execution }),
    await workflowService.describeWorkflowExecution({ namespace, execution }),
    await workflowService.listWorkflowExecutions({ namespace, query: `WorkflowId = '${workflowId}'` }),
  ];
}
/** Every word of it, those within bytes included, but for search attributes. */
function wordsOf(held: unknown): string {
  const words: string[] = [];
  JSON.stringify(held, (name, value) => {
    if (name === 'searchAttributes') return undefined;
    // Protobuf writes bytes in base64; names and numbers that look like it do no harm.
    if (typeof value === 'string') words.push(value, Buffer.from(value, 'base64').toString('latin1'));
    return value;
  });
  return words.join('\n');
}

/** Every encrypted payload, as protobuf writes it in JSON, which is how Temporal's UI sends it on. */
function encryptedIn(held: unknown): unknown[] {
  const found: unknown[] = [];
  const encoding = Buffer.from('binary/encrypted').toString('base64');
  JSON.stringify(held, (_, value) => {
    if (value instanceof Object && value.metadata?.encoding === encoding) found.push(value);
    return value;
  });
  return found;
}

describe('a run in a namespace with keys', () => {
  it('shows nothing of the pipeline to who reads what Temporal holds', async () => {
    await environment.start('readable-run', pipeline());
    const server = environment.client();
    await until(async () => (await queryStatus(server, 'readable-run'))?.steps.some(({ asks }) => asks));
    await expect(
      runCommand(environment.home, ['approve', 'readable-run', 'ask', '--as', 'me', '--reason', 'SECRET-reason']),
    ).resolves.toMatchObject({ code: 0 });
    const trouble = await until(async () => {
      const answer = await askRun(server, 'readable-run');
      if (answer.kind !== 'status') return null;
      const activities = await pendingOf(server, 'readable-run', answer.status.steps);
      return withTrouble(answer.status, activities).steps.find(({ id }) => id === 'flaky')?.trouble;
    });
    expect(trouble.error.message).toContain('SECRET-output');
    const during = wordsOf(await heldOf('readable-run'));
    await writeFile(join(images, 'ready'), '');
    await expect(environment.result('readable-run')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('SECRET-folder') },
    });
    const [after, training] = [await heldOf('readable-run'), await heldOf('readable-run/pretrain')].map(wordsOf);
    for (const held of [during, after ?? '', training ?? '']) {
      expect(held.includes('binary/encrypted')).toBe(true);
      expect(held.match(secret)).toBeNull();
      expect(held.match(/json\/plain/)).toBeNull();
    }
    expect(during.includes('Encoded failure') && after?.includes('Encoded failure')).toBe(true);
  });

  it('is readable for who has the key', async () => {
    const { code, stdout } = await runCommand(environment.home, ['status', 'readable-run']);
    expect(code).toBe(0);
    expect(stdout).toContain('SECRET-folder');
  });

  it("is decrypted by the codec server for Temporal's UI", async () => {
    const ui = 'http://localhost:8233';
    const codec = await startCodecServer({
      keys: payloadKeys() ?? expect.fail('keys'),
      port: 0,
      origins: [ui],
      token: null,
    });
    const payloads = encryptedIn(await heldOf('readable-run'));
    const answer = await fetch(`http://127.0.0.1:${codec.port}/decode`, {
      method: 'POST',
      headers: { origin: ui, 'content-type': 'application/json', 'x-namespace': 'default' },
      body: JSON.stringify({ payloads }),
    });
    expect(answer.status).toBe(200);
    const words = wordsOf(await answer.json()).match(secret) ?? [];
    expect([...new Set(words)].sort()).toEqual([
      ...['SECRET-description', 'SECRET-folder', 'SECRET-output', 'SECRET-param', 'SECRET-question', 'SECRET-reason'],
    ]);
    await codec.close();
  });

  it.each([
    [
      'a command without the key',
      ['list'],
      undefined,
      /is encrypted with the key tests, and CONTRAIL_PAYLOAD_KEYS is not set\. Set it to tests:/,
    ],
    [
      'a worker with another key of that id',
      ['worker'],
      `tests:${Buffer.alloc(32, 9).toString('base64')}`,
      /does not decrypt with the key tests/,
    ],
  ])('refuses %s, in one sentence', async (_, args, keys, said) => {
    const { code, stdout, stderr } = await runCommand(environment.home, args, { CONTRAIL_PAYLOAD_KEYS: keys });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(said);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('is recorded, for test/workflows/replay.test.ts', async () => {
    await recordHistory(environment, 'readable-run', 'encrypted/pipeline-failed');
    await recordHistory(environment, 'readable-run/pretrain', 'encrypted/training-complete');
  });
});
