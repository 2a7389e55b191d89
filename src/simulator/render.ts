import type { Qos } from "../core/message.js";

/** The latest of one topic. */
export interface Row {
  readonly device: string;
  readonly resource: string;
  readonly value: string;
  readonly unit: string;
  readonly qos: Qos;
  /** When it came, in ms since the Unix epoch. */
  readonly heardAt: number;
  /** How many have come. */
  readonly messages: number;
}

export interface TableOptions {
  /** Terminal columns. No line is wider. */
  readonly width: number;
  /** ms since the Unix epoch. */
  readonly now: number;
}

interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  readonly align: "left" | "right";
  /** Terminal columns below which it is not narrowed. */
  readonly least: number;
}

const GAP = "  ";
/** Device names and resources can be told by so many characters; values are numbers mostly. */
const LEAST = 8;

/** A header and one line a row, in the order given. Whatever the texts hold, every line is one line. */
export function renderTable(rows: readonly Row[], { width, now }: TableOptions): string {
  const ages = rows.map((row) => ageOf(now - row.heardAt));
  const counts = rows.map((row) => String(row.messages));
  const columns: Column[] = [
    { title: "device", cells: rows.map((row) => harmless(row.device)), align: "left", least: LEAST },
    { title: "resource", cells: rows.map((row) => harmless(row.resource)), align: "left", least: LEAST },
    { title: "value", cells: valueCells(rows), align: "left", least: LEAST },
    { title: "QoS", cells: rows.map((row) => String(row.qos)), align: "right", least: 3 },
    { title: "age", cells: ages, align: "right", least: 3 },
    { title: "messages", cells: counts, align: "right", least: LEAST },
  ];
  const widths = narrow(columns, width);
  const line = (cellOf: (column: Column) => string): string =>
    cut(
      columns.map((column, i) => pad(cut(cellOf(column), widths[i] ?? 0), widths[i] ?? 0, column.align)).join(GAP),
      width,
    ).trimEnd();
  return [line((column) => column.title), ...rows.map((_, i) => line((column) => column.cells[i] ?? ""))].join("\n");
}

/** The numbers of a device stand with their decimal points below each other, and their units behind them. */
function valueCells(rows: readonly Row[]): string[] {
  const numbers = rows.map((row) => /^(-?\d{1,16})(\.\d{1,16})?$/.exec(row.value));
  const before = new Map<string, number>();
  const after = new Map<string, number>();
  for (const [i, { device }] of rows.entries()) {
    const [, whole = "", fraction = ""] = numbers[i] ?? [];
    before.set(device, Math.max(before.get(device) ?? 0, whole.length));
    after.set(device, Math.max(after.get(device) ?? 0, fraction.length));
  }
  return rows.map(({ device, value, unit }, i) => {
    const [, whole, fraction = ""] = numbers[i] ?? [];
    const aligned = whole?.padStart(before.get(device) ?? 0).concat(fraction.padEnd(after.get(device) ?? 0));
    const text = aligned ?? harmless(value);
    return unit === "" ? text.trimEnd() : `${text} ${harmless(unit)}`;
  });
}

/** Takes from the widest column until the line fits, as long as there is one to take from. */
function narrow(columns: readonly Column[], width: number): number[] {
  const widths = columns.map(({ title, cells }) =>
    cells.reduce((most, cell) => Math.max(most, widthOf(cell)), title.length),
  );
  let excess = widths.reduce((sum, w) => sum + w, 0) + GAP.length * (columns.length - 1) - width;
  while (excess > 0) {
    const [widest = -1] = [...widths.keys()]
      .filter((i) => columns[i]?.align === "left" && (widths[i] ?? 0) > (columns[i]?.least ?? 0))
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

/** `0s`, `59s`, `5m`, `23h`, `4d`. A clock that was set back makes nothing younger than now. */
export function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Longest text that is looked at, in UTF-16 units: what is beyond is cut in any case. */
const MAX_TEXT = 512;

/**
 * Text that a terminal shows as it is and that takes as much room as `widthOf` says: no control or formatting characters
 * (terminal codes, line breaks, reversed writing), no marks that pile up on a letter.
 */
export function harmless(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .normalize("NFC")
    .replace(/[\p{Mn}\p{Me}]/gu, "")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "·");
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Terminal columns of a harmless text: East Asian wide characters and emoji take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

/** At most `width` terminal columns, with an ellipsis in place of what is left out. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 1; // the ellipsis
  for (const character of text) {
    used += WIDE.test(character) ? 2 : 1;
    if (used > width) break;
    kept += character;
  }
  return width < 1 ? "" : `${kept}…`;
}

function pad(text: string, width: number, align: "left" | "right"): string {
  const blanks = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + blanks : blanks + text;
}
