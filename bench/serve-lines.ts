import { createInterface } from 'node:readline';

type Command = (operands: Readonly<Record<string, unknown>>) => object;

/**
 * The other end of `openLineProcess`: answers each line of JSON with one, until `close` or the end of the input.
 * Whatever else this process prints goes to its error output.
 */
export async function serveLines(commands: Readonly<Record<string, Command>>): Promise<void> {
  console.log = console.error;
  console.info = console.error;
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...operands } = JSON.parse(line) as { command: string } & Record<string, unknown>;
    process.stdout.write(`${JSON.stringify(answer(commands, command, operands))}\n`);
    if (command === 'close') break;
  }
  process.exit(0);
}

function answer(
  commands: Readonly<Record<string, Command>>,
  name: string,
  operands: Readonly<Record<string, unknown>>,
): object {
  if (name === 'close') return {};
  try {
    const command = commands[name];
    if (!command) throw new Error(`there is no command ${name}`);
    return command(operands);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
