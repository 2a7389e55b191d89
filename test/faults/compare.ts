/** What was sent beside what arrived: the judgement of the harness, and nothing but that. */
export type Qos = 0 | 1 | 2;

/** What one sender did. Every attempt has a number of its own and is never sent again by the sender. */
export interface Book {
  readonly sender: string;
  readonly qos: Qos;
  /** Numbers 0 to sent - 1 were tried. */
  readonly sent: number;
  readonly acknowledged: ReadonlySet<number>;
}

export interface Arrival {
  readonly topic: string;
  readonly payload: string;
  readonly qos: Qos;
}

export interface Tally {
  readonly sent: number;
  readonly acknowledged: number;
  /** Different messages. */
  readonly received: number;
  /** Acknowledged and never arrived. */
  readonly lost: number;
  /** Arrivals beyond the first of a message. */
  readonly duplicated: number;
  /** First arrivals behind one of the same topic that was sent later. */
  readonly reordered: number;
  /** Arrivals that nobody sent like that: another topic, other bytes, another QoS. */
  readonly strange: number;
}

export type Tallies = Readonly<Record<Qos, Tally>>;

export const NOTHING: Tally = {
  sent: 0,
  acknowledged: 0,
  received: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  strange: 0,
};

export function topicOf(sender: string): string {
  return `weir/${sender}/n`;
}

/** Names sender, QoS and number, with a filler that they decide, so that a changed byte shows. */
export function payloadOf(sender: string, qos: Qos, n: number): string {
  return `${sender} ${qos} ${n} ${"#".repeat((n * 37) % 211)}`;
}

export function compare(books: readonly Book[], arrivals: readonly Arrival[]): Tallies {
  const tallies = { 0: { ...NOTHING }, 1: { ...NOTHING }, 2: { ...NOTHING } };
  const rows = new Map(books.map((book) => [book.sender, { book, arrived: new Set<number>(), highest: -1 }]));
  for (const arrival of arrivals) {
    const [sender = "", , number = ""] = arrival.payload.split(" ");
    const row = rows.get(sender);
    const n = Number(number);
    if (row === undefined || !wasSent(row.book, n, arrival)) {
      tallies[arrival.qos].strange++;
      continue;
    }
    const tally = tallies[row.book.qos];
    if (row.arrived.has(n)) tally.duplicated++;
    else if (n < row.highest) tally.reordered++;
    row.arrived.add(n);
    row.highest = Math.max(row.highest, n);
  }
  for (const { book, arrived } of rows.values()) {
    const tally = tallies[book.qos];
    tally.sent += book.sent;
    tally.acknowledged += book.acknowledged.size;
    tally.received += arrived.size;
    for (const n of book.acknowledged) if (!arrived.has(n)) tally.lost++;
  }
  return tallies;
}

function wasSent(book: Book, n: number, { topic, payload, qos }: Arrival): boolean {
  return (
    Number.isInteger(n) &&
    n >= 0 &&
    n < book.sent &&
    qos === book.qos &&
    topic === topicOf(book.sender) &&
    payload === payloadOf(book.sender, book.qos, n)
  );
}

export function add(one: Tallies, other: Tallies): Tallies {
  const sum = (a: Tally, b: Tally): Tally => ({
    sent: a.sent + b.sent,
    acknowledged: a.acknowledged + b.acknowledged,
    received: a.received + b.received,
    lost: a.lost + b.lost,
    duplicated: a.duplicated + b.duplicated,
    reordered: a.reordered + b.reordered,
    strange: a.strange + b.strange,
  });
  return { 0: sum(one[0], other[0]), 1: sum(one[1], other[1]), 2: sum(one[2], other[2]) };
}

/**
 * Sentences, one for each promise that was broken. QoS 0 promises nothing but that it is what was sent; `once`: QoS 2 promises that
 * nothing comes twice.
 */
export function broken(tallies: Tallies, once = true): string[] {
  const found: string[] = [];
  for (const qos of [0, 1, 2] as const) {
    const { lost, duplicated, strange } = tallies[qos];
    if (qos > 0 && lost > 0) found.push(`QoS ${qos}: ${lost} acknowledged messages were lost`);
    if (once && qos === 2 && duplicated > 0) found.push(`QoS 2: ${duplicated} messages arrived again`);
    if (strange > 0) found.push(`QoS ${qos}: ${strange} messages arrived that nobody sent like that`);
  }
  return found;
}
