/** A line of a list of files. `place`: where a table names the file. */
export interface Line {
  readonly what: string;
  readonly path?: string;
  readonly bytes?: number;
  readonly modified?: number;
  readonly why?: string;
  readonly place?: string;
  readonly label?: number;
}
