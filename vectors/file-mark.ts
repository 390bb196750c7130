import type { Stats } from 'node:fs';

/** Another one where what is in a file may be another. */
export const fileMark = ({ ino, size, mtimeMs }: Stats): string => `${ino} ${size} ${mtimeMs}`;
