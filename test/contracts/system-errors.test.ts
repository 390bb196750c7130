import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ContrailError, type ErrorCode, errorKinds } from '../../contracts/errors.ts';
import { explained } from '../../contracts/system-errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'contrail-system-errors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);
writeFileSync(at('file'), '');
symlinkSync(at('loop'), at('loop'));

const thrownBy = async (work: () => Promise<unknown>): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return expect.fail('it must fail');
};

const writeTo = async (path: string) => {
  const file = await open(path, 'w');
  try {
    await file.writeFile('a');
  } finally {
    await file.close();
  }
};

const refusedConnection = () =>
  new Promise((_, reject) => {
    connect(9, '127.0.0.1').once('error', reject);
  });

/** Errors that the operating system gives here, and those that a test cannot bring about. */
const real: readonly (readonly [string, () => Promise<unknown>, ErrorCode, string])[] = [
  ['a missing file', () => readFile(at('none')), 'FileMissing', at('none')],
  ['a file in the place of a folder', () => readFile(at('file', 'x')), 'NotAFolder', at('file', 'x')],
  ['a folder that is listed and is a file', () => readdir(at('file')), 'NotAFolder', at('file')],
  ['a folder in the place of a file', () => writeFile(folder, 'a'), 'IsAFolder', folder],
  ['something that is there already', () => mkdir(at('file')), 'FileExists', at('file')],
  ['a name that is too long', () => readFile(at('n'.repeat(300))), 'NameTooLong', 'nnn'],
  ['a link to itself', () => readFile(at('loop')), 'LinkLoop', at('loop')],
  ['a full disk', () => writeTo('/dev/full'), 'DiskFull', 'No space is left'],
  ['a refused connection', refusedConnection, 'ConnectionFailed', '127.0.0.1:9'],
  ['a NUL byte in a path', () => readFile('a\0b'), 'InvalidInput', 'null bytes'],
];
const others: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'NotPermitted',
  EPERM: 'NotPermitted',
  EROFS: 'ReadOnly',
  EDQUOT: 'DiskFull',
  EMFILE: 'TooManyOpenFiles',
  ENFILE: 'TooManyOpenFiles',
  EIO: 'StorageUnavailable',
  ESTALE: 'StorageUnavailable',
  ENOTSUP: 'NotSupported',
  ENOMEM: 'OutOfMemory',
  EPIPE: 'ConnectionFailed',
};

describe('an error of the operating system', () => {
  it.each(real)('is explained: %s', async (_, work, code, named) => {
    const known = explained(await thrownBy(work));
    expect(known?.code).toBe(code);
    expect(known?.message).toContain(named);
    expect(known?.message).toContain(errorKinds[code].remedy);
    expect(known?.message).not.toContain('\n');
  });

  it.each(Object.entries(others))('%s is %s, with the path', (code, expected) => {
    const error = Object.assign(new Error(`${code}: whatever`), { code, path: '/data/shirts', syscall: 'open' });
    expect(explained(error)).toMatchObject({ code: expected, message: expect.stringContaining(`${code}, open`) });
    if (!['ConnectionFailed', 'OutOfMemory'].includes(expected))
      expect(explained(error)?.message).toContain('/data/shirts');
  });

  it('is found below other errors, and among several', () => {
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', address: '10.0.0.1', port: 80 });
    expect(explained(new TypeError('fetch failed', { cause: refused }))?.message).toContain('to 10.0.0.1:80');
    expect(explained(new AggregateError([new Error('one'), refused]))?.code).toBe('ConnectionFailed');
    expect(explained(new Error('outer', { cause: new ContrailError('InvalidDataset', 'no images') }))?.message).toBe(
      'no images',
    );
  });

  it('of no such kind is not explained, nor is what is no error, nor does a circle of causes hold anyone up', () => {
    const circle = new Error('a');
    circle.cause = new Error('b', { cause: circle });
    for (const error of [circle, new TypeError('x is not a function'), 'text', null, { code: 'ENOENT' }])
      expect(explained(error)).toBeNull();
    expect(explained(Object.assign(new Error(''), { code: 'constructor' }))).toBeNull();
  });
});
