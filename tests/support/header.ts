/** Header lines that fail a test when too much of them is read. */

/** As many lines of the same text as wanted; reading one more than `most` of them throws. */
export function lines(text: string, most: number): string[] {
  const unlimited = {
    *[Symbol.iterator]() {
      for (let i = 0; i < most; i++) yield text;
      throw new Error(`more than ${most} lines were read`);
    },
  };
  return Object.setPrototypeOf(
    Object.assign([], unlimited),
    Array.prototype,
  ) as string[];
}

/** A line without an end, `a=111…`; reading more than `most` characters of it throws. */
export function endless(most: number): string {
  const read = (from = 0, to = Infinity) => {
    if (to - from > most) throw new Error(`${to - from} characters were read`);
    return "a=".padEnd(to - from, "1");
  };
  return {
    length: Infinity,
    slice: read,
    toString: () => read(),
  } as unknown as string;
}
