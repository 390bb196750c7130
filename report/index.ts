export { buildComparison } from './compare.ts';
export { type GatherOptions, gather } from './gather/index.ts';
export { type Headline, headlineOf } from './headline.ts';
export { renderReport } from './page/index.ts';
export { loadPictures, type Pictures, packSheet, type Sheet } from './pictures.ts';
export { type BuiltReport, buildReport, type ReportFiles, writeReport } from './write.ts';
