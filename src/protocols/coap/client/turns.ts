/** Who may go on a narrow way one after the other, each way by its name. */
export class Turns<Who> {
  /** The first of each line is the one whose turn it is. */
  readonly #lines = new Map<string, Who[]>();

  /** True: it is its turn at once. False: it waits. */
  enter(way: string, who: Who): boolean {
    const line = this.#lines.get(way);
    if (line === undefined) this.#lines.set(way, [who]);
    else if (!line.includes(who)) line.push(who);
    return line === undefined;
  }

  /** Gives who is next, if this was the one whose turn it was. Without effect on who is not there. */
  leave(way: string, who: Who): Who | undefined {
    const line = this.#lines.get(way);
    const at = line?.indexOf(who) ?? -1;
    if (line === undefined || at < 0) return undefined;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(way);
    return at === 0 ? line[0] : undefined;
  }
}
