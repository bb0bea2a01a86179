/** Calls `make` for each number below `count`, so many at a time, and gives what they gave in order. */
export async function crowd<T>(
  count: number,
  atOnce: number,
  make: (n: number) => Promise<T>,
): Promise<readonly T[]> {
  const made: T[] = new Array(count);
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < count; n = next++) made[n] = await make(n);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return made;
}
