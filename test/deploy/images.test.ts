import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { contextFilter } from '../../bench/image/context.ts';
import { readDockerfile } from '../../bench/image/dockerfile.ts';
import { buildProgram } from '../../cli/main.ts';
import { longestStopMs } from '../../worker/worker.ts';
import { hasPromtool, promtool } from '../promtool.ts';
import { compose, hadolint, hasSystemd, hasTools, kubernetesValidate, root, systemdAnalyze } from './tools.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
/** The longest that `contrail serve` takes to stop: the default of --drain, and 2 s for connections that are kept open. */
const longestDrainS = 22;

describe('the image', () => {
  const dockerfile = read('deploy/docker/Dockerfile');
  const stages = readDockerfile(dockerfile);
  const last = stages.at(-1)?.instructions ?? [];
  const lastOf = (name: string) => last.findLast((each) => each.name === name)?.text;

  it.skipIf(!hasTools)('has a Dockerfile that hadolint has nothing against', () => {
    expect(hadolint('deploy/docker/Dockerfile')).toEqual({ ok: true, said: '' });
  });

  it('begins with a base that an argument names, by no digest', () => {
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+-[\w-]+$/m);
    expect(dockerfile).not.toContain('@sha256');
  });

  it('fetches and builds in a stage of its own, and runs as a user who is not root', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', null]);
    expect(last.filter(({ name, text }) => name === 'RUN' && /npm|pip|g\+\+|contrail setup/.test(text))).toEqual([]);
    expect(lastOf('USER')).toMatch(/^[1-9]\d+$/);
    expect(lastOf('ENTRYPOINT')).toMatch(/tini/);
  });

  it('has no secret in a layer: none is copied, an argument, or a variable', () => {
    for (const { instructions } of stages)
      for (const { name, text } of instructions)
        if (name === 'ARG' || name === 'ENV') expect(text).not.toMatch(/token|secret|password|key/i);
    const isInContext = contextFilter(read('.dockerignore'));
    for (const kept of [
      'cli/main.ts',
      'package-lock.json',
      '.npmrc',
      'deploy/docker/healthcheck.mjs',
      'native/pins.ts',
    ])
      expect(isInContext(kept), kept).toBe(true);
    for (const secret of [
      '.env',
      'deploy/compose/.env',
      'deploy/kubernetes/worker.env',
      'tls/ca.pem',
      'my.key',
      'node_modules/x/index.js',
      '.native/device',
      '.git/config',
      '.contrail/store/a',
    ])
      expect(isInContext(secret), secret).toBe(false);
  });
});

const serviceSchema = z.object({
  image: z.string(),
  command: z.array(z.string()).nullish(),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  volumes: z.array(z.object({ type: z.string(), source: z.string() })).default([]),
  stop_grace_period: z.string().optional(),
  read_only: z.boolean().default(false),
  ports: z.array(z.object({ host_ip: z.string() })).default([]),
});
const filledIn = { POSTGRES_PASSWORD: 'p', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 's', GRAFANA_PASSWORD: 'g' };
const workerOf = {
  S3_ACCESS_KEY: 'a',
  S3_SECRET_KEY: 's',
  TEMPORAL_ADDRESS: '10.0.0.5:7233',
  STORE_URL: 'http://10.0.0.5:8333',
};

describe.skipIf(!hasTools)('the files of Docker Compose', () => {
  const servicesOf = (file: string, env: NodeJS.ProcessEnv) => {
    const { ok, said } = compose(
      env,
      '--file',
      `deploy/compose/${file}`,
      '--profile',
      '*',
      'config',
      '--format',
      'json',
    );
    if (!ok) throw new Error(said);
    return z.object({ services: z.record(z.string(), serviceSchema) }).parse(JSON.parse(said)).services;
  };
  const all = hasTools ? { ...servicesOf('compose.yaml', filledIn), ...servicesOf('worker.yaml', workerOf) } : {};
  const ours = Object.entries(all).filter(([, { image }]) => image.startsWith('contrail:'));

  it('are read by Docker Compose, and name files that are there', () => {
    expect(Object.keys(all)).toEqual(
      expect.arrayContaining([
        'postgres',
        'temporal',
        'store',
        'worker-1',
        'worker-2',
        'worker',
        'serve',
        'prometheus',
        'grafana',
      ]),
    );
    for (const { volumes } of Object.values(all))
      for (const { type, source } of volumes) if (type === 'bind') expect(existsSync(source), source).toBe(true);
  });

  it.each(Object.keys(filledIn))('do not start without %s', (name) => {
    const { ok, said } = compose({ ...filledIn, [name]: undefined }, '--file', 'deploy/compose/compose.yaml', 'config');
    expect(ok).toBe(false);
    expect(said).toContain(`set ${name} in .env`);
  });

  it('take what the documentation shows for compose.override.yaml', async () => {
    const shown = [...read('docs/deployment.md').matchAll(/^```yml\n(.*?)^```/gms)].map(([, text = '']) => text);
    expect(shown).toHaveLength(2);
    const folder = await mkdtemp(join(tmpdir(), 'contrail-compose-'));
    for (const text of shown) {
      await writeFile(join(folder, 'override.yaml'), text);
      const files = ['deploy/compose/compose.yaml', join(folder, 'override.yaml')].flatMap((file) => ['--file', file]);
      expect(compose(filledIn, ...files, 'config', '--quiet')).toEqual({ ok: true, said: '' });
    }
    await rm(folder, { recursive: true });
  });

  it('name a version of each image', () => {
    for (const [name, { image }] of Object.entries(all)) expect(image, name).toMatch(/^[\w./-]+:(?!latest)[\w.-]+$/);
  });

  it('open ports on this machine alone until another address is named', () => {
    for (const [name, { ports }] of Object.entries(all))
      for (const { host_ip } of ports) expect(host_ip, name).toBe('127.0.0.1');
  });

  it('run ours with a read-only root, by options that there are, and wait for them to stop', () => {
    expect(ours.length).toBeGreaterThanOrEqual(6);
    for (const [name, { command, read_only, stop_grace_period }] of ours) {
      expect(read_only, name).toBe(true);
      if (command) expect(unknownOptions(command), name).toEqual([]);
      if (command?.[0] === 'worker') expect(secondsOf(stop_grace_period)).toBeGreaterThan(longestStopMs / 1000);
      if (command?.[0] === 'serve') expect(secondsOf(stop_grace_period)).toBeGreaterThan(longestDrainS);
    }
  });

  it('have Prometheus read every worker by a name that it answers to', () => {
    const {
      scrape_configs: [job],
    } = scrapeSchema.parse(parse(read('deploy/compose/prometheus.yaml')));
    const targets = job?.static_configs.flatMap((each) => each.targets) ?? [];
    const workers = ours.filter(([name, { command }]) => name !== 'worker' && command?.[0] === 'worker');
    expect(targets).toEqual(workers.map(([name]) => `${name}:9464`));
    for (const [name, { command }] of workers)
      expect(command?.[command.indexOf('--metrics-allow-host') + 1]).toBe(name);
  });
});

const scrapeSchema = z.object({
  scrape_configs: z.array(
    z.object({ job_name: z.literal('contrail'), static_configs: z.array(z.object({ targets: z.array(z.string()) })) }),
  ),
});
const secondsOf = (duration = '') => {
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration) ?? [];
  return Number(minutes) * 60 + Number(seconds);
};

/** Options of a command line that our program does not have. */
function unknownOptions([name = '', ...rest]: readonly string[]): string[] {
  const command = buildProgram(() => {}).commands.find((each) => each.name() === name);
  if (!command) return [name];
  const known = command.options.map(({ long }) => long);
  return rest.filter((word) => word.startsWith('--') && !known.includes(word));
}

describe('the manifests of Kubernetes', () => {
  const files = ['service-account.yaml', 'config.yaml', 'worker.yaml', 'serve.yaml'].map(
    (name) => `deploy/kubernetes/${name}`,
  );
  const documents = files.flatMap((file) =>
    parseAllDocuments(read(file)).map((document) => document.toJS() as unknown),
  );
  const podSchema = z.object({
    terminationGracePeriodSeconds: z.int(),
    automountServiceAccountToken: z.literal(false),
    enableServiceLinks: z.literal(false),
    securityContext: z.object({
      runAsNonRoot: z.literal(true),
      runAsUser: z.literal(10001),
      fsGroup: z.literal(10001),
    }),
    containers: z.tuple([
      z.object({
        args: z.array(z.string()),
        securityContext: z.object({
          allowPrivilegeEscalation: z.literal(false),
          readOnlyRootFilesystem: z.literal(true),
          capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
        }),
        readinessProbe: z.object({ httpGet: z.object({ path: z.literal('/readyz') }) }),
        livenessProbe: z.object({ httpGet: z.object({ path: z.literal('/healthz') }) }),
        resources: z.object({
          requests: z.object({ cpu: z.string(), memory: z.string() }),
          limits: z.object({ memory: z.string() }),
        }),
        volumeMounts: z.array(z.object({ mountPath: z.string() })),
      }),
    ]),
  });
  const pods = documents.flatMap((each) => {
    const found = z.object({
      kind: z.literal('Deployment'),
      spec: z.object({ template: z.object({ spec: podSchema }) }),
    });
    return (each as { readonly kind: string }).kind === 'Deployment' ? [found.parse(each).spec.template.spec] : [];
  });

  it.skipIf(!hasTools)('are what Kubernetes has, and nothing else, by its schemas', () => {
    const { ok, said } = kubernetesValidate(...files);
    expect(ok, said).toBe(true);
    expect(said.match(/ passed /g)).toHaveLength(documents.length);
  });

  it('are all applied', () => {
    const { resources } = z
      .object({ resources: z.array(z.string()) })
      .parse(parse(read('deploy/kubernetes/kustomization.yaml')));
    expect(resources.map((name) => `deploy/kubernetes/${name}`)).toEqual(files);
    for (const name of ['temporal-tls', 'gpu']) {
      const { patches } = z
        .object({ patches: z.array(z.object({ path: z.string() })) })
        .parse(parse(read(`deploy/kubernetes/components/${name}/kustomization.yaml`)));
      for (const { path } of patches)
        expect(existsSync(join(root, 'deploy/kubernetes/components', name, path))).toBe(true);
    }
  });

  it('run without root, rights or a writable root, by options that there are', () => {
    expect(pods).toHaveLength(2);
    for (const {
      containers: [container],
    } of pods) {
      expect(unknownOptions(container.args)).toEqual([]);
      expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/var/lib/contrail', '/tmp']);
    }
  });

  it('give a worker longer than it takes to write its checkpoints, and a server than it takes to answer', () => {
    const graceOf = (name: string) =>
      pods.find(({ containers: [{ args }] }) => args[0] === name)?.terminationGracePeriodSeconds;
    expect(graceOf('worker')).toBeGreaterThan(longestStopMs / 1000);
    expect(graceOf('serve')).toBeGreaterThan(longestDrainS + 5);
  });
});

describe('the units of systemd', () => {
  const units = ['contrail-worker.service', 'contrail-serve@.service'];
  const unit = (name: string) => read(`deploy/systemd/${name}`);
  const setting = (name: string, key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit(name))?.[1];

  it('signal our process alone, and wait longer than it takes to stop', () => {
    for (const name of units) expect(setting(name, 'KillMode')).toBe('mixed');
    expect(Number(setting('contrail-worker.service', 'TimeoutStopSec'))).toBeGreaterThan(longestStopMs / 1000);
    expect(Number(setting('contrail-serve@.service', 'TimeoutStopSec'))).toBeGreaterThan(longestDrainS);
  });

  it('run options that there are', () => {
    for (const name of units) {
      const [, line = ''] = (setting(name, 'ExecStart') ?? '').split('cli/contrail.mjs ');
      expect(unknownOptions(line.split(' ')), name).toEqual([]);
    }
  });

  it.skipIf(!hasSystemd)('are units that systemd reads without a word, and are exposed little', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'contrail-units-'));
    for (const name of units) {
      const file = join(folder, name.replace('@.', '@shirts.'));
      await cp(join(root, 'deploy/systemd', name), file);
      expect(systemdAnalyze('verify', file), name).toEqual({ ok: true, said: '' });
      const { ok, said } = systemdAnalyze('security', '--offline=true', '--no-pager', '--threshold=20', file);
      expect(ok, said).toBe(true);
    }
    await rm(folder, { recursive: true });
  });
});

it.skipIf(!hasPromtool)('the configurations of Prometheus are read by promtool, beside the alert rules', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-prometheus-'));
  await cp(join(root, 'deploy/prometheus/alerts.yaml'), join(folder, 'alerts.yaml'));
  for (const file of ['compose/prometheus.yaml', 'prometheus/kubernetes.yaml']) {
    // Debian's promtool knows no cluster: what finds the pods is not judged by it.
    const text = read(`deploy/${file}`).replaceAll(
      /kubernetes_sd_configs:\n(\s+- role.*\n\s+selectors:\n.*)/g,
      'static_configs: []',
    );
    await writeFile(join(folder, 'config.yaml'), text);
    expect(await promtool(['check', 'config', join(folder, 'config.yaml')]), file).toContain('1 rule files found');
  }
  await rm(folder, { recursive: true });
});
