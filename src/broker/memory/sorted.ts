/** What a {@link Sorted} holds: ordered by score, then by the bytes of the id. Its score stays as it is while it is held. */
export interface Scored {
  readonly id: string;
  readonly score: number;
}

/** Which part of a {@link Sorted} to read. */
export interface Range {
  /** Begin behind this place. */
  readonly after?: Scored | undefined;
  /** Up to this score, itself included. */
  readonly to?: number;
  readonly limit: number;
}

const CHUNK = 512;

/** A sorted set: every operation is a binary search over short arrays, so that 10⁶ members are no burden. */
export class Sorted<T extends Scored> {
  #chunks: T[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#chunks[0]?.[0];
  }

  add(member: T): void {
    const { chunk, at, index } = this.#find(member);
    if (chunk === undefined) {
      this.#chunks.push([member]);
    } else {
      chunk.splice(at, 0, member);
      if (chunk.length > CHUNK) {
        this.#chunks.splice(index + 1, 0, chunk.splice(CHUNK / 2));
      }
    }
    this.#size++;
  }

  has(member: T): boolean {
    const { chunk, at } = this.#find(member);
    return chunk?.[at] === member;
  }

  remove(member: T): void {
    const { chunk, at, index } = this.#find(member);
    if (chunk?.[at] !== member) return;
    chunk.splice(at, 1);
    if (chunk.length === 0) this.#chunks.splice(index, 1);
    this.#size--;
  }

  range({ after, to = Infinity, limit }: Range): readonly T[] {
    const found: T[] = [];
    const from = after === undefined ? { index: 0, at: 0 } : this.#find(after);
    for (let { index, at } = from; index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index] ?? [];
      for (; at < chunk.length; at++) {
        const member = chunk[at] as T;
        if (found.length >= limit || member.score > to) return found;
        if (after === undefined || compare(member, after) > 0) {
          found.push(member);
        }
      }
      at = 0;
    }
    return found;
  }

  /** Where `place` is or would be; behind everything, in the last chunk. */
  #find(place: Scored): { chunk: T[] | undefined; index: number; at: number } {
    const chunks = this.#chunks;
    const index = Math.min(
      search(chunks.length, (i) => compare(last(chunks[i]), place) >= 0),
      Math.max(0, chunks.length - 1),
    );
    const chunk = chunks[index];
    const at = chunk === undefined
      ? 0
      : search(chunk.length, (i) => compare(chunk[i] as T, place) >= 0);
    return { chunk, index, at };
  }
}

/** The first index for which `reached` holds, or `length`. */
function search(length: number, reached: (index: number) => boolean): number {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >>> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function last<T>(chunk: readonly T[] | undefined): T {
  return chunk?.[chunk.length - 1] as T;
}

function compare(a: Scored, b: Scored): number {
  return a.score - b.score || compareBytes(a.id, b.id);
}

/** Orders two texts as their UTF-8 bytes are: by code point, where `<` goes by UTF-16 unit. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      return Number(isSurrogate(x)) - Number(isSurrogate(y)) || x - y;
    }
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
