/**
 * What of WebCrypto is under way. It works on other threads, so on a busy
 * machine no number of turns of the event loop is enough to wait for it: who
 * lets everything run that is ready to has to know.
 *
 * @module
 */

type Verb = (this: SubtleCrypto, ...given: unknown[]) => Promise<unknown>;

let count = 0;

const verbs = SubtleCrypto.prototype as unknown as Record<string, Verb>;
for (
  const name of ["digest", "sign", "verify", "encrypt", "decrypt", "importKey"]
) {
  const verb = verbs[name]!;
  verbs[name] = function (...given) {
    const settled = verb.apply(this, given);
    const end = () => void count--;
    count++;
    settled.then(end, end);
    return settled;
  };
}

/** How many of its promises are not settled. */
export function underWay(): number {
  return count;
}
