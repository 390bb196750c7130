import { describe, expect, it } from 'vitest';
import { contextFilter } from '../../bench/image/context.ts';
import { readDockerfile } from '../../bench/image/dockerfile.ts';

describe('a Dockerfile', () => {
  it('is read as stages of instructions, with their flags, without comments', () => {
    const text = [
      '# a comment',
      'ARG BASE=debian:13',
      'FROM ${BASE} AS build',
      'RUN --mount=type=secret,id=a --mount=type=secret,id=b one \\',
      '    # within an instruction',
      '    && two',
      '',
      'FROM ${BASE}',
      'COPY --from=build /x /y',
    ].join('\n');
    const [build, image] = readDockerfile(text);
    expect(build).toEqual({
      image: 'debian:13',
      name: 'build',
      instructions: [
        { name: 'RUN', flags: { mount: ['type=secret,id=a', 'type=secret,id=b'] }, text: 'one     && two' },
      ],
    });
    expect(image).toEqual({
      image: 'debian:13',
      name: null,
      instructions: [{ name: 'COPY', flags: { from: ['build'] }, text: '/x /y' }],
    });
  });

  it('that begins with something else is refused', () => {
    expect(() => readDockerfile('RUN x')).toThrow('RUN stands before the first FROM');
  });
});

describe('what stays out of an image', () => {
  const isInContext = contextFilter('# comment\nnode_modules\n**/*.pem\n**/deep\nfolder/one.txt\n');

  it.each([
    ['node_modules/a/b.js', false],
    ['src/node_modules/a.js', true],
    ['a.pem', false],
    ['tls/b.pem', false],
    ['tls/b.pem.md', true],
    ['x/y/deep/z', false],
    ['folder/one.txt', false],
    ['folder/two.txt', true],
  ])('%s', (path, is) => {
    expect(isInContext(path)).toBe(is);
  });

  it('is not guessed where there are exceptions', () => {
    expect(() => contextFilter('a\n!a/b')).toThrow('!a/b');
  });
});
