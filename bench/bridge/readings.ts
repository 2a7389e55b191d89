/** What four air sensors say once a second: where each resource begins, its usual step and its unit. */
const RESOURCES = [
  { name: "temperature", start: 21.5, step: 0.1, unit: "Cel" },
  { name: "humidity", start: 48.2, step: 0.3, unit: "%RH" },
  { name: "pressure", start: 1013.2, step: 0.1, unit: "hPa" },
  { name: "pm2_5", start: 8, step: 1, unit: "ug/m3" },
] as const;
const DEVICES = ["air-1", "air-2", "air-3", "air-4"];

/**
 * Readings as the gateway publishes them with format `json`, as lines `TOPIC PAYLOAD`. Values wander in their steps and stay
 * where they are half of the time, as sensors do; times are some ms apart within a second. The same for the same count.
 */
export function readings(count: number): string[] {
  const random = sequence();
  const values = DEVICES.map(() => RESOURCES.map(({ start }): number => start));
  const lines: string[] = [];
  for (let second = 0; lines.length < count; second += 1)
    for (const [d, device] of DEVICES.entries())
      for (const [r, { name, start, step, unit }] of RESOURCES.entries()) {
        if (lines.length === count) return lines;
        const row = values[d];
        if (row === undefined) continue;
        const draw = random();
        const move = draw < 0.5 ? 0 : draw < 0.75 ? -step : step;
        const value = Math.max(0, Number(((row[r] ?? start) + move).toFixed(1)));
        row[r] = value;
        const time = 1_763_890_000_000 + second * 1_000 + d * 200 + Math.floor(random() * 20);
        lines.push(`weir/${device}/${name} ${JSON.stringify({ v: value, t: time, u: unit, q: "good" })}`);
      }
  return lines;
}

/** Numbers from 0 to 1, always the same ones (a linear congruential generator, modulus 2^32). */
function sequence(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
