import { describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import { formatProblem, readPipeline } from '../../pipelines/language/index.ts';

const problemsOf = (text: string, params: Readonly<Record<string, Json>> = {}) =>
  readPipeline({ text, file: 'p.yaml' }, params).problems.map(formatProblem);

/** What is said of a step that prepares data with these parameters. Their line numbers begin with 6. */
const said = (parameters: Readonly<Record<string, string>>, more = '') => {
  const lines = Object.entries(parameters).map(([name, value]) => `      ${`${name}:`.padEnd(7)} ${value}`);
  return problemsOf(`name: a\nsteps:\n  data:\n    uses: prepare-data${more}\n    with:\n${lines.join('\n')}\n`);
};

describe('a step that prepares data is refused before anything is read', () => {
  it.each([
    ['table', 'path is missing: dataset: table needs the table'],
    ['image-folder', 'path is missing: dataset: image-folder needs the folder that holds its files'],
    ['cifar10', 'path is missing: dataset: cifar10 needs the folder that holds its files'],
  ])('where dataset: %s has no path', (dataset, problem) => {
    expect(said({ dataset })).toEqual([`p.yaml:5:5: ${problem}`]);
  });

  it.each([
    ['columns', '{}', 'columns does nothing here: it is for dataset: table, not image-folder'],
    ['allowUrls', 'true', 'allowUrls does nothing here: it is for dataset: table, not image-folder'],
    ['generated', '{}', 'generated does nothing here: it is for dataset: generated, not image-folder'],
  ])('where a folder is given `%s`, which is of another source', (name, value, problem) => {
    expect(said({ dataset: 'image-folder', path: 'a', [name]: value })).toEqual([`p.yaml:8:7: ${problem}`]);
  });

  it('where corrections are given for a source whose images have no names', () => {
    expect(said({ dataset: 'mnist', relabels: 'fixes.csv' })).toEqual([
      'p.yaml:7:7: relabels does nothing here: it is for dataset: table and dataset: image-folder, not mnist',
    ]);
  });

  it.each([
    ['path', 'images', {}, 'generated images are read from nowhere'],
    ['fit', 'crop', { size: '28' }, 'images of generated are squares of 28, and size is 28'],
    ['background', '"#ffffff"', { size: '20' }, 'images of generated are opaque squares, and are not padded'],
    ['background', '"#ffffff"', { fit: 'crop' }, 'images of generated are opaque squares, and are not padded'],
    ['maximumRejected', '0', {}, 'generated has no files to reject'],
  ])('where `%s: %s` does nothing for generated images', (name, value, others, why) => {
    const line = 7 + Object.keys(others).length;
    expect(said({ dataset: 'generated', ...others, [name]: value })).toEqual([
      `p.yaml:${line}:7: ${name} does nothing here: ${why}`,
    ]);
  });

  it('where a source that has a test set of its own is told how large it should be', () => {
    expect(said({ dataset: 'mnist', test: '0.3', split: '{ test: 0.3 }' })).toEqual([
      'p.yaml:7:7: test does nothing here: mnist has a test set of its own',
      'p.yaml:8:17: test does nothing here: mnist has a test set of its own, which is not split',
    ]);
    // Of classes that are held out it is the share.
    expect(said({ dataset: 'mnist', test: '0.3', split: '{ by: class }' })).toEqual([]);
    expect(said({ dataset: 'mnist', split: '{ by: class, test: 0.3 }' })).toEqual([]);
    expect(said({ dataset: 'generated', test: '0.3' })).toEqual([]);
  });

  it('where groups are to be kept together and images have none', () => {
    expect(said({ dataset: 'mnist', split: '{ by: group }' })).toEqual([
      'p.yaml:7:21: by must be random or class: images of mnist have no groups',
    ]);
  });

  it.each([
    ['{ image: photo, label: photo }', '25', 'image and label cannot be the same column "photo"'],
    ['{ image: photo, split: photo }', '25', 'image and split cannot be the same column "photo"'],
    ['{ labels: [colour, image] }', '18', 'image and labels cannot be the same column "image"'],
    [
      '{ label: split }',
      '25',
      'split and label cannot be the same column "split"; write `split: false` where the table has none',
    ],
    [
      '{ image: group }',
      '25',
      'image and group cannot be the same column "group"; write `group: false` where the table has none',
    ],
  ])('where a column of a table serves two ends: columns: %s', (columns, column, problem) => {
    expect(said({ dataset: 'table', path: 'a.csv', columns })).toEqual([`p.yaml:8:${column}: ${problem}`]);
  });

  it('where the folder is named twice, or the table in what a step made is none', () => {
    const made = '"${steps.made.result.images}"';
    const text = (rest: string) =>
      `name: a\nsteps:\n  made: { uses: run, with: { command: [true], outputs: { images: { folder: out } } } }\n  data: { uses: prepare-data, with: { from: ${made}, ${rest} } }\n`;
    const problems = (rest: string) => problemsOf(text(rest)).map((problem) => problem.replace(/^p\.yaml:4:\d+: /, ''));
    expect(problems('dataset: image-folder')).toEqual([]);
    expect(problems('dataset: table, path: a/b.csv')).toEqual([]);
    expect(problems('dataset: image-folder, path: a')).toEqual(['path and from both name the folder: give one']);
    expect(problems('dataset: table')).toEqual([
      'path is missing: with `from`, it is the table in the folder that is given',
    ]);
    expect(problems('dataset: table, path: /a.csv')).toEqual([
      'path must be the table in the folder that `from` gives, such as products.csv',
    ]);
    expect(problems('dataset: generated')).toEqual(['from does nothing here: generated images are read from nowhere']);
  });
});

describe('what may have an effect is no mistake', () => {
  it.each([
    [
      'a label that is the group, the category and a further label',
      { dataset: 'table', path: 'a.csv', columns: '{ label: sku, group: sku, category: sku, labels: [sku] }' },
    ],
    [
      'an image column called as an optional one that is not read',
      { dataset: 'table', path: 'a.csv', columns: '{ image: group, group: false }' },
    ],
    [
      'a fit and a background of small images that are enlarged or padded',
      { dataset: 'mnist', fit: 'pad', background: '"#ffffff"' },
    ],
    [
      'a background behind transparent photos that are cropped',
      { dataset: 'image-folder', path: 'a', fit: 'crop', background: '"#ffffff"' },
    ],
    [
      'a fit where images are kept encoded, with room around them',
      { dataset: 'mnist', size: '28', fit: 'crop', encoding: '{}' },
    ],
  ])('%s', (_, parameters) => expect(said(parameters)).toEqual([]));

  it('a parameter that does something in one of a matrix', () => {
    const matrix = (sources: string) => `\n    matrix: { dataset: [${sources}] }`;
    const parameters = { dataset: '"${matrix.dataset}"', path: 'a', maximumRejected: '3' };
    expect(said(parameters, matrix('mnist, image-folder'))).toEqual([]);
    expect(said(parameters, matrix('mnist, cifar10'))).toEqual([
      'p.yaml:9:7: maximumRejected does nothing here: mnist has no files to reject',
    ]);
  });
});
