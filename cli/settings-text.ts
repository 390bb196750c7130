import type { Json } from '../contracts/json.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import type { Setting, Settings } from '../pipelines/language/index.ts';
import { shorten } from './output.ts';
import { table } from './table.ts';
import { wrapped } from './wrapped.ts';

/** The steps of one matrix, or one step, with what its parameters come from. */
interface Member {
  readonly step: PlannedStep;
  readonly settings: Settings;
}

const longestValue = 48;
const mostValues = 6;
const textOf = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value));

/** The parameters of each step of a plan, the steps of a matrix together. */
export function settingsText(members: readonly Member[]): string {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const name = member.step.matrix?.of ?? member.step.id;
    groups.set(name, [...(groups.get(name) ?? []), member]);
  }
  // Files that are included several times have steps that differ in their name alone.
  const alike = new Map<string, string[]>();
  for (const [name, group] of groups) {
    const text = groupText(group);
    alike.set(text, [...(alike.get(text) ?? []), name]);
  }
  return [...alike].map(([text, names]) => `${wrapped(names.join(', '))} ${text}`).join('\n\n');
}

function groupText(group: readonly Member[]): string {
  const [first] = group;
  if (!first) return '';
  const { recipe } = first.settings;
  const kind = first.step.own?.file ?? first.step.uses;
  const many = group.length > 1 ? `, ${group.length} steps` : '';
  const paths = [...new Set(group.flatMap(({ settings }) => settings.settings.map(({ path }) => path)))];
  const rows = paths.map((path) => rowOf(path, group));
  const said = rows.filter(({ from }) => from !== 'default');
  const defaults = rows.filter(({ from }) => from === 'default').map(({ path, value }) => `${path} ${value}`);
  const unused = new Map(
    group.flatMap(({ settings }) => settings.unused.map(({ path, value }) => [path, value] as const)),
  );
  return [
    `(${kind}${many})${recipe === null ? '' : `, recipe ${recipe}`}${rows.length === 0 ? ': no parameters' : ''}`,
    ...(said.length === 0
      ? []
      : [
          table(
            ['  parameter', 'value', 'from'],
            said.map(({ path, value, from, instead }) => [
              `  ${path}`,
              shorten(value, longestValue),
              instead === undefined ? from : `${from}; the recipe says ${shorten(instead, longestValue)}`,
            ]),
          ),
        ]),
    ...(unused.size === 0
      ? []
      : [
          wrapped(
            `of the recipe not used: ${[...unused].map(([path, value]) => `${path} ${textOf(value)}`).join(', ')}`,
            '  ',
          ),
        ]),
    ...(defaults.length === 0 ? [] : [wrapped(`by default: ${defaults.join(', ')}`, '  ')]),
  ].join('\n');
}

interface Row {
  readonly path: string;
  readonly value: string;
  readonly from: Setting['from'] | 'matrix';
  readonly instead: string | undefined;
}

/** What all of a group have, or what each has. */
function rowOf(path: string, group: readonly Member[]): Row {
  const found = group.flatMap(({ settings }) => settings.settings.filter((each) => each.path === path));
  const values = [...new Set(found.map(({ value }) => textOf(value)))];
  const { from = 'default', instead } = found[0] ?? {};
  const left = values.length - mostValues;
  return {
    path,
    value: `${values.slice(0, mostValues).join(' | ')}${left > 0 ? ` | ${left} more` : ''}`,
    from: values.length > 1 || found.length < group.length ? 'matrix' : from,
    instead: instead === undefined ? undefined : textOf(instead),
  };
}
