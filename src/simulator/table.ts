import {
  asyncScheduler,
  auditTime,
  filter,
  interval,
  of,
  type SchedulerLike,
  Subject,
  startWith,
  switchMap,
} from "rxjs";
import type { Message } from "../core/message.js";
import { createHeard } from "./heard.js";
import { cut, type Row, renderTable, widthOf } from "./render.js";

/** What the table is written to: process.stdout, or a stand-in. */
export interface Screen {
  /** False when it wants nothing more until `drain`. */
  write(text: string): boolean;
  on(event: "drain" | "error", listener: () => void): unknown;
  off(event: "drain" | "error", listener: () => void): unknown;
  /** The size of a terminal, read at every drawing. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly isTTY?: boolean | undefined;
}

export interface LiveTableOptions {
  /**
   * A terminal: one table, drawn in place. Anything else: a fresh table now and then, without terminal codes.
   * Asked of the screen unless given.
   */
  readonly isTTY?: boolean;
  /** ms since the Unix epoch. */
  readonly now?: () => number;
  /** What the topics begin with, with its slash: see `createHeard`. */
  readonly prefix?: string;
  /** Whose time the pace is kept by. */
  readonly scheduler?: SchedulerLike;
}

export interface LiveTable {
  hear(message: Message): void;
  /** Writes lines (a log's) so that the table stays whole below them. */
  above(text: string): void;
  /** Leaves the latest state on the screen and the cursor below it. */
  close(): void;
}

/** Four times a second at most, in ms. */
const PACE_TTY = 250;
const PACE_PIPE = 5_000;
/** The ages grow though nothing comes, in ms. */
const AGE_EVERY = 1_000;
const WIDTH_PIPE = 100;
/** Lines of a table in a terminal: a look, not a wall. */
const MOST_LINES = 28;

export function liveTable(out: Screen, options: LiveTableOptions = {}): LiveTable {
  const { isTTY = out.isTTY === true, now = Date.now, scheduler = asyncScheduler } = options;
  const heard = createHeard(options.prefix);
  const screen = isTTY ? terminal(out) : pipe(out);
  const news = new Subject<void>();
  let changed = false;
  let busy = false;

  const draw = (): void => {
    const rows = heard.rows();
    const render: Render = (width, room) => {
      const shown = choose(rows, room);
      const lines = renderTable(shown, { width, now: now() }).split("\n");
      if (shown.length < rows.length) lines.push(`… and ${rows.length - shown.length} more`);
      if (heard.others > 0) lines.push(`… and ${heard.others} messages of other topics`);
      return lines;
    };
    // The header and a line about other topics take room as well.
    busy = !screen.draw(render, heard.others > 0 ? 2 : 1);
    changed = false;
  };
  const drained = (): void => {
    busy = false;
    if (changed) news.next();
  };
  // What comes in between is in the next drawing: `auditTime` and `switchMap` hold one at a time, whatever the rate.
  const drawing = news
    .pipe(
      auditTime(isTTY ? PACE_TTY : PACE_PIPE, scheduler),
      switchMap(() => (isTTY ? interval(AGE_EVERY, scheduler).pipe(startWith(0)) : of(0))),
      filter(() => !busy),
    )
    .subscribe(draw);
  const end = (): void => {
    drawing.unsubscribe();
    out.off("drain", drained);
  };
  // Whoever reads went away (`weir run | head`): the gateway runs on without a table. The listener stays after the close,
  // because a write may fail later.
  out.on("error", end);
  out.on("drain", drained);

  return {
    hear: (message) => {
      if (drawing.closed) return;
      heard.hear(message, now());
      changed = true;
      news.next();
    },
    above: (text) => {
      if (drawing.closed) out.write(endLine(text));
      else screen.above(text);
    },
    close: () => {
      if (drawing.closed) return;
      if (changed) draw();
      end();
    },
  };
}

/** The lines of a table that is so wide and has no more than so many rows, a row that says what was left out among them. */
type Render = (width: number, room: number) => string[];

/** Both ways of showing: `draw` says whether the screen takes more. `besides` is how many lines there are besides the rows. */
interface Display {
  draw(render: Render, besides: number): boolean;
  above(text: string): void;
}

function terminal(out: Screen): Display {
  let shown: readonly string[] = [];
  const show = (next: readonly string[], text = ""): boolean => {
    // A terminal that was made narrower has broken our lines.
    const height = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columnsOf(out))), 0);
    const erase = height === 0 ? "" : `\x1b[${height}A\x1b[J`;
    shown = next;
    // In one write, so that nobody sees the empty place.
    return out.write(`\r${erase}${text}${next.map((line) => `${line}\n`).join("")}`);
  };
  return {
    draw: (render, besides) => {
      // The last line of the screen is the cursor's, and a last column that is written makes some terminals go on.
      const width = columnsOf(out) - 1;
      const height = Math.max(1, Math.min(MOST_LINES, (out.rows ?? 24) - 1));
      const lines = render(width, Math.max(0, height - besides)).slice(0, height);
      return show(lines.map((line) => cut(line, width)));
    },
    above: (text) => void show(shown, endLine(text)),
  };
}

function columnsOf(out: Screen): number {
  return Math.max(2, out.columns ?? 80);
}

function pipe(out: Screen): Display {
  return {
    draw: (render) => out.write(`${render(WIDTH_PIPE, Number.POSITIVE_INFINITY).join("\n")}\n\n`),
    above: (text) => void out.write(endLine(text)),
  };
}

/** As many rows as there is room for, the line about the others taken off: every device has its first before any its second. */
export function choose(rows: readonly Row[], room: number): Row[] {
  if (rows.length <= room) return [...rows];
  const seen = new Map<string, number>();
  const ranked = rows.map((row, index) => {
    const rank = seen.get(row.device) ?? 0;
    seen.set(row.device, rank + 1);
    return { row, index, rank };
  });
  const first = ranked.sort((a, b) => a.rank - b.rank || a.index - b.index).slice(0, Math.max(0, room - 1));
  return first.sort((a, b) => a.index - b.index).map(({ row }) => row);
}

function endLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
