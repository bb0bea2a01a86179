/** Waits so long, or shorter if `isFar` holds before: on a machine that is quick, too, consumers are killed while there is work. */
export async function pause(ms: number, isFar: () => boolean): Promise<void> {
  const end = performance.now() + ms;
  while (!isFar() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 50)));
  }
}
