/** What telemetry takes for attributes: any record; values that OTLP cannot express are left out. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A value as OTLP's `AnyValue` knows it; `null` is the empty value and occurs in lists and maps only. */
export type AttributeValue =
  | string
  | number
  | boolean
  | bigint
  | Uint8Array<ArrayBuffer>
  | null
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

const MAX_DEPTH = 64;

/** Attributes in the order in which they were first set. */
export class AttributeList {
  readonly keys: string[] = [];
  readonly values: AttributeValue[] = [];
  /** How many were left out because the list was full. */
  dropped = 0;

  readonly #maxCount: number;
  readonly #maxLength: number;

  /** Of more than `maxCount`, new ones are counted and left out; strings are cut to `maxLength`. */
  constructor(maxCount: number, maxLength: number) {
    this.#maxCount = maxCount;
    this.#maxLength = maxLength;
  }

  /** Sets one; `rivals` says among how many of the first ones the key may be. */
  set(
    key: string,
    value: unknown,
    rivals: number = this.keys.length,
  ): void {
    const own = toAttributeValue(value, this.#maxLength);
    if (own === undefined || key === "") return;
    const { keys, values } = this;
    // a loop: indexOf() takes twenty times as long for texts that the code has
    let index = rivals - 1;
    while (index >= 0 && keys[index] !== key) index--;
    if (index >= 0) values[index] = own;
    else if (keys.length >= this.#maxCount) this.dropped++;
    else {
      keys.push(key);
      values.push(own);
    }
  }

  /** Sets all of a record, in its order; it has no key twice. */
  setAll(attributes: Attributes | undefined): this {
    const { length } = this.keys;
    for (const key in attributes) {
      this.set(key, attributes[key], length);
    }
    return this;
  }

  /** About how many bytes they take, for bounding what is kept. */
  get size(): number {
    const { keys, values } = this;
    let size = 0;
    for (let i = 0; i < keys.length; i++) {
      size += keys[i]!.length + sizeOf(values[i]!);
    }
    return size;
  }
}

/** A list of attributes; without limits as those of resources and metrics are, unless some are given. */
export function attributeList(
  attributes: Attributes | undefined,
  maxCount: number = Infinity,
  maxLength: number = Infinity,
): AttributeList {
  return new AttributeList(maxCount, maxLength).setAll(attributes);
}

/**
 * A copy of the value with its strings cut to `maxLength`, or `undefined` when it is no attribute value.
 * What contains itself or lies too deep becomes the empty value.
 *
 * @param ancestors What it lies in.
 */
export function toAttributeValue(
  value: unknown,
  maxLength: number,
  ancestors?: readonly object[],
): AttributeValue | undefined {
  switch (typeof value) {
    case "string":
      return value.length > maxLength ? value.slice(0, maxLength) : value;
    case "number":
    case "boolean":
      return value;
    case "bigint":
      return value === BigInt.asIntN(64, value) ? value : String(value);
    case "object":
      if (value) return copy(value, maxLength, ancestors);
  }
  return undefined;
}

/** Copies lists, maps and bytes. */
function copy(
  value: object,
  maxLength: number,
  ancestors: readonly object[] = [],
): AttributeValue {
  if (value instanceof Uint8Array) return value.slice(0, maxLength);
  if (ancestors.length === MAX_DEPTH || ancestors.includes(value)) return null;
  const path = [...ancestors, value];
  const inner = (item: unknown): AttributeValue =>
    toAttributeValue(item, maxLength, path) ?? null;
  if (Array.isArray(value)) return value.map(inner);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, inner(item)]),
  );
}

/** Whether a number is exported as an integer. */
export function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}

function sizeOf(value: AttributeValue): number {
  if (typeof value === "string" || value instanceof Uint8Array) {
    return value.length + 8;
  }
  if (typeof value !== "object" || value === null) return 8;
  let size = 16;
  for (const [key, item] of Object.entries(value)) {
    size += key.length + sizeOf(item);
  }
  return size;
}
