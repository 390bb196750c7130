import type { Report } from '../contracts/report.ts';
import { jsonBytes, reportFolder, type Store, writeReportFile } from '../store/index.ts';
import { armsOf } from './arms.ts';
import { type GatherOptions, gather } from './gather/index.ts';
import { renderReport } from './page/index.ts';
import { loadPictures } from './pictures.ts';
import { type Drawing, standalone } from './plots/draw.ts';
import { drawAll } from './plots/index.ts';
import { toPng } from './plots/png.ts';

/** Files of a report by their path in its folder. */
export type ReportFiles = ReadonlyMap<string, Uint8Array>;

export interface BuiltReport {
  readonly report: Report;
  readonly files: ReportFiles;
}

/**
 * Gathers and draws the report of a run: `report.html`, `report.json`, and `plots/` with each drawing as SVG and PNG.
 *
 * @throws ContrailError RunNotFound
 */
export async function buildReport(store: Store, run: string, options: GatherOptions = {}): Promise<BuiltReport> {
  const report = await gather(store, run, options);
  options.onProgress?.('pictures');
  const pictures = await loadPictures(store, report, (problem) => report.problems.push(problem));
  options.onProgress?.('drawings');
  const drawings = drawAll(report, armsOf(report));
  const page = new TextEncoder().encode(renderReport(report, pictures, drawings));
  const files = new Map<string, Uint8Array>([
    ['report.html', page],
    ['report.json', jsonBytes(report)],
  ]);
  for (const [path, bytes] of await plotFiles(drawings)) files.set(path, bytes);
  return { report, files };
}

/** Each drawing as an SVG file and as a PNG on white. */
export async function plotFiles(drawings: ReadonlyMap<string, Drawing>): Promise<ReportFiles> {
  const files = new Map<string, Uint8Array>();
  for (const { name, svg } of drawings.values()) {
    const file = standalone(svg);
    const plain = `plots/${name.replaceAll(/[^A-Za-z0-9._=-]/g, '-')}`;
    // Arms that differ in a character that no file should have.
    let path = plain;
    for (let at = 2; files.has(`${path}.svg`); at++) path = `${plain}-${at}`;
    files.set(`${path}.svg`, new TextEncoder().encode(file));
    files.set(`${path}.png`, (await toPng(file)).png);
  }
  return files;
}

/** Writes a report into the folder of its run; returns where a person finds the page. */
export async function writeReport(store: Store, run: string, files: ReportFiles, name = 'report'): Promise<string> {
  // The page last: where it is, what it speaks of is.
  for (const [name, content] of [...files].reverse()) await writeReportFile(store, run, name, content);
  return store.locate(`${reportFolder(run)}/${name}.html`);
}
