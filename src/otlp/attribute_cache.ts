const MAX_KEYS = 256;
const MAX_VALUES = 32;
const MAX_BYTES = 200;

/** Remembers how the commonest attributes are encoded; bounded. */
export class AttributeCache {
  readonly #keys = new Map<string, Map<unknown, Uint8Array>>();

  /** The encoded attribute, when it is remembered. */
  get(key: string, value: unknown): Uint8Array | undefined {
    return this.#keys.get(key)?.get(value);
  }

  /** Whether {@link AttributeCache.set} would remember an encoding of so many bytes. */
  accepts(key: string, value: unknown, bytes: number): boolean {
    if (typeof value === "object" || bytes > MAX_BYTES) return false;
    const values = this.#keys.get(key);
    return values === undefined
      ? this.#keys.size < MAX_KEYS
      : values.size < MAX_VALUES;
  }

  /** Remembers how an attribute is encoded. */
  set(key: string, value: unknown, encoded: Uint8Array): void {
    const values = this.#keys.get(key);
    if (values === undefined) this.#keys.set(key, new Map([[value, encoded]]));
    else values.set(value, encoded);
  }
}
