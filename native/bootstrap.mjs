// Plain JavaScript on Node's own modules: it installs the packages that everything else needs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { checkRequirements } from './preflight.mjs';
import { isPackage, root } from './root.mjs';

const lockFile = join(root, 'package-lock.json');
const packages = join(root, 'node_modules');
const marker = join(packages, '.contrail-lock');

/** Says why in a sentence, and ends the process. @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Ends the process with one sentence a missing part, when the machine lacks any. */
export function requireMachine() {
  const missing = checkRequirements().filter(({ ok }) => !ok);
  if (missing.length > 0)
    fail(
      missing.map(({ part, found, fix }) => (found === 'none' ? fix : `${fix} (${part} found: ${found})`)).join('\n'),
    );
}

const lockDigest = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex');

/** Whether node_modules holds what package-lock.json says. Whoever installed a package of ours installed what it needs. */
export const packagesAreInstalled = () =>
  isPackage || (existsSync(marker) && readFileSync(marker, 'utf8') === lockDigest());

/**
 * Installs the npm packages of package-lock.json, without their install scripts, unless they are there. An install that
 * was interrupted has no marker and is repeated. Of several processes one installs, and the others wait.
 */
export async function installPackages() {
  if (packagesAreInstalled()) return;
  if (lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink())
    fail(
      `${packages} is a symbolic link, and what it leads to is not what package-lock.json says. npm would empty that folder for all who use it. Remove the link, or install the packages where it leads.`,
    );
  const say = (/** @type {string} */ line) => void process.stderr.write(`${line}\n`);
  await withLock(join(root, '.native', 'packages.lock'), async () => install(), say);
}

function install() {
  // Another process may have installed them while this one waited.
  if (packagesAreInstalled()) return;
  process.stderr.write('Installing npm packages\n');
  rmSync(marker, { force: true });
  // npm gets the whole environment: an .npmrc may name any variable of it. Scripts of packages do not run.
  const { status, stderr, error } = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  if (error) fail(`npm could not be started (${error.message}). It comes with Node.js; install it and try again.`);
  if (status !== 0) {
    const unreachable = /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET|network/i.test(stderr);
    const reason = stderr.split('\n').find((line) => line.trim() !== '') ?? `exit code ${status}`;
    fail(
      unreachable
        ? `The npm packages could not be fetched: the npm registry cannot be reached. Check the network and try again. (${reason})`
        : `The npm packages could not be installed: ${reason}`,
    );
  }
  writeFileSync(marker, lockDigest());
}
