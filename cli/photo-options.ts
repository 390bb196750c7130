import { Option } from 'commander';

/** Options of the commands that show photos to a model. */
export interface PhotoOptions {
  readonly model?: string;
  readonly step?: string;
  readonly list: boolean;
  readonly allowUrls: boolean;
}

/** What their first argument and the others are, for help. */
export const photoUsage = '[options] <run> <photo…> | --model <name> <photo…>';

export const photoArguments = [
  '[names...]',
  'the run, or the pipeline whose newest run is meant, unless there is --model; then photos: files, folders, URLs, or - for standard input',
] as const;

export const photoOptions = (): readonly Option[] => [
  new Option('--model <name>', 'the current model of that name, instead of a run'),
  new Option('--step <id>', 'the step of the run that made the encoder, where there are several'),
  new Option('--list', 'standard input has names of photos, one a line').default(false),
  new Option('--allow-urls', 'fetch photos from http and https, from public addresses alone').default(false),
];
