/** Deep equality as `@std/assert` has it: by structure, prototype and key set; `{ a: undefined }` is not `{}`. */
export function equal(actual: unknown, expected: unknown): boolean {
  return same(actual, expected, new Map());
}

/** Pairs under comparison, so that cycles end. */
type Seen = Map<object, object>;

function same(a: unknown, b: unknown, seen: Seen): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) {
    if (!isPlain(a) || !isPlain(b)) return false;
  }
  if (typeof a === "function" || typeof b === "function") return false;
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
  }
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  return sameContent(a, b, seen) && sameProperties(a, b, seen);
}

/** What built-in classes hold outside their properties. */
function sameContent(a: object, b: object, seen: Seen): boolean {
  if (a instanceof Date && b instanceof Date) {
    return Object.is(a.getTime(), b.getTime());
  }
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (a instanceof Error && b instanceof Error) {
    return a.name === b.name && a.message === b.message &&
      same(a.cause, b.cause, seen);
  }
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    return sameBytes(new Uint8Array(a), new Uint8Array(b));
  }
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    return sameBytes(bytesOf(a), bytesOf(b));
  }
  if (a instanceof WeakRef && b instanceof WeakRef) {
    return same(a.deref(), b.deref(), seen);
  }
  if (
    (a instanceof Number && b instanceof Number) ||
    (a instanceof String && b instanceof String) ||
    (a instanceof Boolean && b instanceof Boolean)
  ) return Object.is(a.valueOf(), b.valueOf());
  if (a instanceof Set && b instanceof Set) {
    return sameMembers([...a], [...b], seen);
  }
  if (a instanceof Map && b instanceof Map) return sameEntries(a, b, seen);
  return true;
}

function sameProperties(a: object, b: object, seen: Seen): boolean {
  if (ArrayBuffer.isView(a)) return true;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) {
    return false;
  }
  const keys = ownKeys(a);
  return keys.length === ownKeys(b).length &&
    keys.every((key) =>
      Object.hasOwn(b, key) && same(at(a, key), at(b, key), seen)
    );
}

function sameEntries(
  a: ReadonlyMap<unknown, unknown>,
  b: ReadonlyMap<unknown, unknown>,
  seen: Seen,
): boolean {
  if (a.size !== b.size) return false;
  if ([...a.keys()].every((key) => !isObject(key))) {
    return [...a].every(([key, value]) =>
      b.has(key) && same(value, b.get(key), seen)
    );
  }
  return sameMembers([...a], [...b], seen);
}

/** Each member of `a` pairs with a member of `b` of its own. */
function sameMembers(
  a: readonly unknown[],
  b: readonly unknown[],
  seen: Seen,
): boolean {
  if (a.length !== b.length) return false;
  const left = [...b];
  return a.every((member) => {
    // a failed attempt must leave nothing behind in `seen`
    const at = left.findIndex((other) => same(member, other, new Map(seen)));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) ||
    typeof value === "function";
}

/** An object literal, with or without `Object.prototype`. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function ownKeys(value: object): readonly PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.getOwnPropertyDescriptor(value, key)?.enumerable
  );
}

function at(value: object, key: PropertyKey): unknown {
  return (value as Record<PropertyKey, unknown>)[key];
}
