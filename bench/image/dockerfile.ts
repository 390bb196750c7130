/** An instruction of a Dockerfile: its flags, as `--from=build`, and the rest of it. */
export interface Instruction {
  readonly name: string;
  readonly flags: Readonly<Record<string, readonly string[]>>;
  readonly text: string;
}

export interface Stage {
  readonly image: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/**
 * Reads a Dockerfile: comments and line continuations, `${NAME}` in FROM with the defaults of the ARGs before it.
 *
 * @throws Error for a Dockerfile that begins with something else than ARG or FROM
 */
export function readDockerfile(text: string): readonly Stage[] {
  const defaults: Record<string, string> = {};
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  for (const line of logicalLines(text)) {
    const instruction = readInstruction(line);
    const stage = stages.at(-1);
    if (instruction.name === 'FROM') {
      const [image = '', , name = null] = instruction.text.split(/\s+/);
      stages.push({ image: substituted(image, defaults), name, instructions: [] });
    } else if (stage) stage.instructions.push(instruction);
    else if (instruction.name === 'ARG') {
      const [name = '', value = ''] = instruction.text.split('=');
      defaults[name] = value;
    } else throw new Error(`${instruction.name} stands before the first FROM`);
  }
  return stages;
}

/** `${NAME}` and `$NAME` in a text by their values; an unknown name is nothing. */
export const substituted = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => values[braced ?? bare ?? ''] ?? '');

/** Comments are left out, also within an instruction that goes on over several lines, as Docker does. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let begun = '';
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    if (line.endsWith('\\')) begun += line.slice(0, -1);
    else {
      lines.push(begun + line);
      begun = '';
    }
  }
  return lines;
}

function readInstruction(line: string): Instruction {
  const [, name = '', rest = ''] = /^\s*(\w+)\s+(.*)$/s.exec(line) ?? [];
  const flags: Record<string, string[]> = {};
  let text = rest;
  for (let match = flag.exec(text); match; match = flag.exec(text)) {
    const [whole, key = '', value = ''] = match;
    flags[key] = [...(flags[key] ?? []), value];
    text = text.slice(whole.length);
  }
  return { name: name.toUpperCase(), flags, text: text.trim() };
}

const flag = /^\s*--(\w+)=(\S+)/;
