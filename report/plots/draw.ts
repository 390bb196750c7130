import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { escapeHtml } from '../escape.ts';

/** A drawing: an SVG whose colours are the page's variables. */
export interface Drawing {
  /** Of its file, without an ending. */
  readonly name: string;
  readonly title: string;
  /** What a person who does not see it should know. */
  readonly description: string;
  readonly svg: string;
}

/** Where colours come from: the page gives them a value for light and for dark. */
export const ink = 'currentColor';
export const muted = 'var(--muted)';
export const grid = 'var(--line)';
/** Of an arm, by its place among them. */
export const armColour = (index: number): string => `var(--arm-${index % armColours.length})`;
export const classColour = (label: number): string => `var(--class-${label % classColours.length})`;

/** Okabe and Ito's, which people with any kind of colour vision tell apart: on white, and on black. */
export const armColours = [
  ['#0067a5', '#56b4e9'],
  ['#c75000', '#f5a05a'],
  ['#007d5c', '#3fc79a'],
  ['#a8507f', '#e59bc5'],
  ['#7a6a00', '#e5d352'],
  ['#5b5fc7', '#a5a8f5'],
  ['#8c4a2f', '#d49a80'],
  ['#4f5962', '#b4bcc4'],
] as const;
export const classColours = [
  ['#0072b2', '#4aa3dd'],
  ['#e69f00', '#e9ad2b'],
  ['#009e73', '#2dbf95'],
  ['#cc79a7', '#dd93bb'],
  ['#56b4e9', '#8accf3'],
  ['#d55e00', '#f0803a'],
  ['#8a7a00', '#d8ca3c'],
  ['#6a4fb3', '#a894e6'],
  ['#8c564b', '#c08d80'],
  ['#6f7780', '#a9b1ba'],
] as const;

const base: Plot.PlotOptions = {
  width: 480,
  height: 270,
  marginLeft: 50,
  marginBottom: 38,
  marginTop: 24,
  marginRight: 18,
};

/** Draws with Observable Plot, without a browser. */
export function draw(
  { name, title, description }: Omit<Drawing, 'svg'>,
  options: Plot.PlotOptions,
  finish: (svg: SvgElement) => void = () => {},
): Drawing {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const style = { fontSize: '12px', background: 'none', ...(options.style as object | undefined) };
  const drawn = Plot.plot({ ...base, ...options, style, document: document as never }) as unknown as SvgElement;
  // Styles of the page stand for Plot's own: one copy instead of one in each drawing.
  drawn.querySelector('style')?.remove();
  finish(drawn);
  const label = escapeHtml(`${title}. ${description}`);
  const labelled = drawn.outerHTML.replace(/^<svg /, () => `<svg role="img" aria-label="${label}" `);
  const svg = labelled.replaceAll(/ (?:d|transform|c?[xy][12]?|r|width|height)="[^"]*"/g, (attribute) =>
    attribute.replaceAll(/(-?\d+\.\d)\d+/g, '$1'),
  );
  return { name, title, description, svg };
}

/** As much of an SVG's element as is used here. */
export interface SvgElement {
  readonly outerHTML: string;
  readonly setAttribute: (name: string, value: string) => void;
  readonly remove: () => void;
  readonly querySelector: (selector: string) => SvgElement | null;
  readonly querySelectorAll: (selector: string) => Iterable<SvgElement>;
}

/** Characters that XML 1.0 cannot hold, not even escaped; names of classes and files can. */
const noCharacterOfXml = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/**
 * An SVG file by itself: dark on white, in the colours of the light page. What no XML can hold is a character that is not known.
 */
export function standalone(svg: string): string {
  const light: Readonly<Record<string, string>> = {
    muted: '#5a636c',
    line: '#e2e5e9',
    heat: '#0067a5',
    card: '#ffffff',
  };
  const lightValue = (name: string) => {
    const [, kind, index] = /^(arm|class)-(\d+)$/.exec(name) ?? [];
    const colours = kind === 'arm' ? armColours : classColours;
    return kind ? (colours[Number(index)]?.[0] ?? '#000000') : (light[name] ?? '#1b1f24');
  };
  return svg
    .replaceAll(noCharacterOfXml, '\ufffd')
    .replaceAll(/var\(--([a-z0-9-]+)\)/g, (_, name: string) => lightValue(name))
    .replaceAll('currentColor', '#1b1f24')
    .replace(/^<svg /, '<svg xmlns="http://www.w3.org/2000/svg" ')
    .replace('>', '><rect width="100%" height="100%" fill="#ffffff"/>');
}
