import { CREDIT, MAX_KEYS, MAX_PIECE_BYTES, MAX_VALUES } from "./bounds.ts";
import type { Piece } from "./bytes.ts";

/** A key, and how it is encoded with its commonest values. */
export class KnownKey {
  readonly key: string;
  /** The key alone. */
  readonly encoded: Piece;
  readonly #values = new Map<unknown, Piece>();
  #credit = CREDIT;
  #last: unknown;
  #lastEncoded: Piece | undefined;

  constructor(key: string, encoded: Piece) {
    this.key = key;
    this.encoded = encoded;
  }

  /** The key with this value, when that is remembered. */
  with(value: unknown): Piece | undefined {
    if (value === this.#last) return this.#lastEncoded;
    if (this.#credit === 0) return undefined;
    const encoded = this.#values.get(value);
    if (!encoded) {
      this.#credit--;
      return undefined;
    }
    if (this.#credit < CREDIT) this.#credit++;
    this.#last = value;
    return this.#lastEncoded = encoded;
  }

  /** Whether {@link KnownKey.remember} would take an encoding of so many bytes. */
  accepts(bytes: number): boolean {
    return this.#values.size < MAX_VALUES && bytes <= MAX_PIECE_BYTES;
  }

  /** Remembers how the key is encoded with this value. */
  remember(value: unknown, encoded: Piece): void {
    this.#values.set(value, encoded);
  }
}

/** Remembers how the commonest attributes are encoded; bounded. */
export class AttributeCache {
  readonly #keys = new Map<string, KnownKey>();
  readonly #recent: KnownKey[] = [];

  /** What is known of a key, and found at once where the last list had it in the same place. */
  get(key: string, place: number): KnownKey | undefined {
    const recent = this.#recent[place];
    if (recent?.key === key) return recent;
    const known = this.#keys.get(key);
    if (known && place < MAX_KEYS) this.#recent[place] = known;
    return known;
  }

  /** Remembers how a key is encoded. */
  remember(key: string, encoded: Piece): void {
    if (this.#keys.size < MAX_KEYS && encoded.length <= MAX_PIECE_BYTES) {
      this.#keys.set(key, new KnownKey(key, encoded));
    }
  }
}
