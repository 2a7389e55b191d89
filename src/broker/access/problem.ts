/** What is wrong in a file, by its line, from 1 on. Never quotes what may be a secret. */
export interface LineProblem {
  readonly line: number;
  readonly message: string;
}

/** A file of another kind has something wrong in every line: nobody reads more than these. */
const MOST = 20;

/** Collects what is wrong, and stays small whatever the file is. */
export class Problems {
  readonly list: LineProblem[] = [];

  add(line: number, message: string): void {
    if (this.list.length < MOST) this.list.push({ line, message });
  }
}
