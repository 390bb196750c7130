import { readFileSync } from 'node:fs';

/** The command lines in the section on serving of docs/using-the-model.md. */
export function documentedCommands(): string[] {
  const page = readFileSync(new URL('../../../docs/using-the-model.md', import.meta.url), 'utf8');
  const section = /^## Serve\n(.*?)(?=^## )/ms.exec(page)?.[1] ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
}
