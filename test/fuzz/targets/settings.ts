import { beheaded, behindHead, bytesOfText, headed, type Target, textOfBytes } from '../engine/target.ts';

const key = Buffer.alloc(32, 7).toString('base64');

const environments = [
  'CONTRAIL_HOME=/tmp/contrail-fuzz-home\nCONTRAIL_STORE=s3://bucket/prefix?path-style=true&cache-limit=20GiB\nCONTRAIL_S3_PATH_STYLE=true\nCONTRAIL_STORE_CACHE=/tmp/c\nCONTRAIL_STORE_CACHE_LIMIT=1.5 GiB',
  `CONTRAIL_PAYLOAD_KEYS=2026-11:${key}, old:${Buffer.alloc(32, 9).toString('base64')}`,
  'TEMPORAL_ADDRESS=localhost:7233\nTEMPORAL_NAMESPACE=default\nTEMPORAL_API_KEY=abc\nTEMPORAL_TLS=true\nTEMPORAL_TLS_SERVER_NAME=a',
  'OTEL_EXPORTER_OTLP_ENDPOINT=http://user:pw@localhost:4318\nOTEL_TRACES_EXPORTER=otlp,console\nOTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
  'HF_ENDPOINT=https://huggingface.co/\nHF_TOKEN=hf_abc\nHF_HUB_OFFLINE=1\nHF_HOME=/tmp/hf\nTRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'CONTRAIL_STORE=file:///tmp/store',
];

/** Variables of the environment, as every command and worker reads them. */
export const environment: Target = {
  name: 'environment',
  reads: 'variables of the environment',
  form: 'text',
  tokens: [
    ...[
      'CONTRAIL_HOME=',
      'CONTRAIL_STORE=',
      'CONTRAIL_PAYLOAD_KEYS=',
      'CONTRAIL_PAYLOAD_KEY=',
      'TEMPORAL_ADDRESS=',
      '\n',
      '=',
    ],
    ...[
      's3://',
      'file://',
      'file://host/',
      'http://[',
      '%',
      '?cache=',
      '&',
      '::1',
      '[::1]:80',
      ':65536',
      'TEMPORAL_TLS_CLIENT_CERT_DATA=',
    ],
    ...[
      'TEMPORAL_CONFIG_FILE=/dev/null',
      'TEMPORAL_PROFILE=',
      'TEMPORAL_TLS_SERVER_CA_CERT_DATA=',
      '-----BEGIN CERTIFICATE-----',
    ],
  ],
  mostBytes: 8 * 2 ** 10,
  open: async ({ folder }) => {
    const { openHome } = await import('../../../home/home.ts');
    const { payloadKeys } = await import('../../../payloads/index.ts');
    const { traceSettings } = await import('../../../traces/settings.ts');
    const { parseTraceparent } = await import('../../../traces/index.ts');
    const { hubSettings } = await import('../../../weights/index.ts');
    const { temporalSettings } = await import('../../../cli/temporal-settings.ts');
    const { openStore } = await import('../../../store/index.ts');
    const { parseS3Url } = await import('../../../store/s3/address.ts');
    const { isExplained } = await import('../engine/target.ts');
    const readers: Readonly<Record<string, (environment: Record<string, string>) => unknown>> = {
      home: (of) => {
        const { storeUrl } = openHome(of);
        return /^s3:/i.test(storeUrl) ? parseS3Url(storeUrl, of) : openStore(storeUrl);
      },
      keys: (of) => payloadKeys(of),
      traces: (of) => traceSettings(of, () => {}),
      parent: (of) => parseTraceparent(of.TRACEPARENT ?? ''),
      hub: (of) => hubSettings(of),
      temporal: (of) => temporalSettings({ XDG_CONFIG_HOME: folder, HOME: folder, ...of }),
    };
    return {
      seeds: environments.map(bytesOfText),
      run: (input) => {
        // A variable holds no NUL.
        const given = Object.fromEntries(
          textOfBytes(input)
            .replaceAll('\0', '')
            .split('\n')
            .map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)] as const)
            .filter(([name]) => name !== '' && name !== '__proto__'),
        );
        return Object.entries(readers)
          .map(([name, read]) => {
            try {
              return `${name} ${read(given) === null ? 'none' : 'some'}`;
            } catch (error) {
              if (!isExplained(error)) throw error;
              return (error as Error).message.slice(0, 60);
            }
          })
          .join('; ');
      },
    };
  },
};

const commands = [
  ['validate', 'p.yaml', '--set', 'epochs=3', '--set', 'names=[a, {b: 1}]', '--json'],
  ['run', 'p.yaml', '--id', 'r-1', '--detach', '--no-cache', '--set', 'a.b=1'],
  ['list', '--since', '2h', '--state', 'failed', '--json'],
  ['resume', 'r-1', '--set', 'epochs=150', '--accept-drift'],
  ['fork', 'r-1', '--from', 'pretrain@40', '--set', 'seed=2'],
  ['verify', 'r-1', '--epoch', '40'],
  ['approve', 'r-1', 'ask', '--as', 'me', '--reason', 'good'],
  ['schedule', 'create', 'weekly', 'p.yaml', '--cron', '0 3 * * 1', '--timezone', 'Europe/Berlin'],
  ['schedule', 'backfill', 'weekly', '--from', '2026-11-01', '--to', '2026-11-03T00:00:00Z'],
  ['serve', '--model', 'm', '--port', '8080', '--host', '127.0.0.1', '--allow-host', 'a'],
  ['models', 'promote', 'm', 'r-1', '--step', 'evaluate'],
  ['index', 'build', 'r-1', '--to', 'x', '--recall', '0.9'],
  ['index', 'remove', 'm', '--names', 'a', '--label', 'b'],
  ['predict', 'r-1', 'a.png', 'b.png', '--top', '3', '--json'],
  ['set', 'r-1', 'probe', '--set', 'epochs=3'],
  ['cache', 'gc', '--older-than', '7d', '--yes'],
  ['logs', 'r-1', 'pretrain', '--follow', '--since', '10m'],
  ['store', 'copy', '/a', 's3://b/c'],
];

/** Arguments of the command, a line each, up to where a command would begin its work. */
export const commandLine: Target = {
  name: 'command-line',
  reads: 'arguments of the command',
  form: 'text',
  tokens: [
    '\n--set\n',
    'a=&a [*a]',
    'a=!!binary x',
    '--json\n',
    '--help',
    '-h',
    '--',
    '--no-',
    '=',
    '--since\n',
    '1e3d',
    '2026-13-45',
    '-1',
    'constructor',
  ],
  mostBytes: 4 * 2 ** 10,
  open: async () => {
    const { CommanderError } = await import('commander');
    const { buildProgram } = await import('../../../cli/main.ts');
    const quiet = { writeOut: () => {}, writeErr: () => {} };
    const made = () => {
      const program = buildProgram(() => {});
      const silence = (command: typeof program) => {
        command.configureOutput(quiet).exitOverride();
        if (command.commands.length === 0) command.action(() => {});
        for (const each of command.commands) silence(each as typeof program);
      };
      silence(program);
      return program;
    };
    return {
      seeds: commands.map((each) => bytesOfText(each.join('\n'))),
      run: async (input) => {
        const args = textOfBytes(input).replaceAll('\0', '').split('\n');
        await made().parseAsync(args, { from: 'user' });
        return `accepted ${args.length}`;
      },
      accepts: (error) => error instanceof CommanderError || (error instanceof Error && error.name === 'ContrailError'),
    };
  },
};

const heads = ['sealed', 'inside', 'keys'] as const;

/** What Temporal holds, encrypted. */
export const payloads: Target = {
  name: 'payloads',
  reads: 'encrypted payloads of Temporal',
  form: 'bytes',
  region: behindHead(() => 'bytes'),
  tokens: ['\x0a', '\x12', 'encoding', 'json/plain', 'metadata', '\xff\xff\xff\xff\x0f'],
  open: async () => {
    const { createSecretKey } = await import('node:crypto');
    const { decodeEncrypted, payloadCodec } = await import('../../../payloads/index.ts');
    const { seal } = await import('../../../payloads/seal.ts');
    const { payloadToBytes } = await import('../../../payloads/wire.ts');
    const secret = createSecretKey(Buffer.alloc(32, 7));
    const keys = { current: 'k', byId: new Map([['k', secret]]) };
    const codec = payloadCodec(keys);
    const context = { type: 'workflow' as const, namespace: 'n', workflowId: 'w' };
    const plain = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"a":[1,2,3]}') };
    const [sealed] = await codec.encode([plain], context);
    if (!sealed?.data || !sealed.metadata) throw new Error('nothing was encrypted');
    const { metadata } = sealed;
    const place = Buffer.from(metadata['contrail-place'] as Uint8Array).toString('utf8');
    const beside = Buffer.from(JSON.stringify(['contrail-payload/1', 'k', place]));
    const expected = { namespace: 'n', workflow: 'w', activity: '' };
    return {
      seeds: [
        headed('sealed', sealed.data),
        headed('inside', payloadToBytes(plain)),
        headed('inside', payloadToBytes({})),
        headed('keys', JSON.stringify({ id: 'k', place })),
      ],
      run: (input) => {
        const { head, body } = beheaded(input, heads);
        if (head === 'sealed') return `data ${decodeEncrypted(keys, { metadata, data: body }, expected).data?.length}`;
        // Whoever has the key may have encrypted anything.
        if (head === 'inside') {
          const { data } = decodeEncrypted(keys, { metadata, data: seal(secret, body, beside) }, expected);
          return `data ${data?.length}`;
        }
        const half = Math.floor(body.length / 2);
        const named = {
          ...metadata,
          'encryption-key-id': half > 40 ? body.subarray(0, half) : Buffer.from('k'),
          'contrail-place': body,
        };
        return `data ${decodeEncrypted(keys, { metadata: named, data: sealed.data as Uint8Array }, expected).data?.length}`;
      },
    };
  },
};
