import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { FormatRecord, Release } from './record.ts';
import { recordFromText } from './text.ts';

/** The formats of the code as they were last recorded; `npm run formats` writes it. */
export const recordFile = new URL('../formats.json', import.meta.url);

/** A folder for each release, with what it wrote; `npm run fixtures` makes that of the version at hand. */
export const releasesFolder = new URL('../releases/', import.meta.url);

const read = (file: URL) => recordFromText(readFileSync(file, 'utf8'));

export const recordedFormats = (): FormatRecord => (existsSync(recordFile) ? read(recordFile) : {});

export const releases = (): readonly Release[] =>
  existsSync(releasesFolder)
    ? readdirSync(releasesFolder)
        .sort()
        .map((name) => ({ name, formats: read(new URL(`${name}/formats.json`, releasesFolder)) }))
    : [];
