/** A number in [0, 1). */
export type Random = () => number;

/** A small seeded generator (mulberry32). */
export function generator(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = state + 0x6D2B79F5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** The value at a pick in [0, 1), if there is any. */
export function pickOf<T>(values: readonly T[], pick: number): T | undefined {
  return values[Math.floor(pick * values.length)];
}

/** About half of the values, which ones depends on the pick. */
export function some<T>(values: readonly T[], pick: number): readonly T[] {
  const random = generator(Math.floor(pick * 2 ** 32));
  return values.filter(() => random() < 0.5);
}
