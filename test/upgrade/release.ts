import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { Json } from '../../contracts/json.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { type Home, openHome } from '../../home/home.ts';
import { openStore, readAbout, type Store } from '../../store/index.ts';
import { openIndex } from '../../vectors/index.ts';
import { readVectors } from '../../vectors/shards.ts';
import { runCommand } from '../e2e/command.ts';
import { releasesFolder } from './formats/files.ts';

/** What a release wrote, and what it answered when it was asked about that. */
export interface Expected {
  /** By run, step and name: SHA-256 of the state of each checkpoint. */
  readonly checkpoints: { readonly [checkpoint: string]: string };
  /** By digest of an index: the nearest rows of its first rows, with their scores. */
  readonly neighbours: { readonly [index: string]: readonly (readonly Neighbour[])[] };
  /** By command: what `contrail` prints with `--json`, without a server. */
  readonly answers: { readonly [command: string]: Json };
}
export interface Neighbour {
  readonly row: number;
  readonly score: number;
}

/** Commands that read a store. */
export const commands: readonly string[] = [
  'list',
  'status complete',
  'status cancelled',
  'status sweep',
  'status embedding',
  'checkpoints cancelled',
  'dataset show photos',
  'models ls',
  'models show catalogue',
  'index show catalogue',
  'cache ls',
];

export const releaseNames = (): readonly string[] => readdirSync(releasesFolder).sort();

export const expectedOf = (release: string): Expected =>
  JSON.parse(readFileSync(new URL(`${release}/expected.json`, releasesFolder), 'utf8')) as Expected;

/** Unpacks what a release wrote into a folder of its own, which the caller removes: `home/` with its store, and `export/`. */
export function unpack(release: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'contrail-release-'));
  execFileSync('tar', ['-xzf', fileURLToPath(new URL(`${release}/written.tar.gz`, releasesFolder)), '-C', folder]);
  return folder;
}

export const homeIn = (folder: string): Home => openHome({ CONTRAIL_HOME: join(folder, 'home') });
export const storeIn = (folder: string): Store => openStore(pathToFileURL(join(folder, 'home', 'store')).href);

const asked = 5;
const near = 4;

/** The nearest rows of the first rows of an index. */
export async function neighboursIn(store: Store, ref: ArtifactRef): Promise<Neighbour[][]> {
  const { dimension, shards } = await readAbout(store, ref, indexAboutSchema);
  const [first] = shards;
  if (!first) return [];
  const index = await openIndex(store, ref, { thorough: true });
  try {
    const vectors = await readVectors(store, ref, first, dimension);
    const found = await index.search(vectors.subarray(0, asked * dimension), near);
    return found.map((hits) => hits.map(({ row, score }) => ({ row, score })));
  } finally {
    await index.close();
  }
}

/** What a command prints as JSON where no server is asked; the home's own place is left out. @throws Error with what it said when it fails */
export async function answerOf(home: Home, command: string): Promise<Json> {
  const args = [...command.split(' '), '--json'];
  // Nothing listens on port 9 of this machine.
  const { code, stdout, stderr } = await runCommand(home, args, { TEMPORAL_ADDRESS: '127.0.0.1:9' });
  if (code !== 0) throw new Error(`contrail ${command} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout.replaceAll(home.folder, '<home>')) as Json;
}
