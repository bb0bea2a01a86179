/** What of `actual` is at places that `expected` has too, as plain objects. */
export function common(actual: unknown, expected: unknown): unknown {
  return part(actual, expected, []);
}

/** A pair on the way down, so that cycles end. */
interface Pair {
  readonly actual: object;
  readonly expected: object;
  readonly kept: unknown;
}

type Fields = Record<PropertyKey, unknown>;

function part(
  actual: unknown,
  expected: unknown,
  above: readonly Pair[],
): unknown {
  if (!isTree(actual) || !isTree(expected)) return actual;
  if (treeKind(actual) !== treeKind(expected)) return actual;
  const met = above.find((pair) =>
    pair.actual === actual && pair.expected === expected
  );
  if (met) return met.kept;
  if (actual instanceof Set && expected instanceof Set) {
    return actual.intersection(expected);
  }
  if (actual instanceof Map && expected instanceof Map) {
    const kept = new Map<unknown, unknown>();
    const path = [...above, { actual, expected, kept }];
    for (const key of actual.keys()) {
      if (!expected.has(key)) continue;
      kept.set(key, part(actual.get(key), expected.get(key), path));
    }
    return kept;
  }
  const kept: Fields = {};
  const path = [...above, { actual, expected, kept }];
  for (const key of Reflect.ownKeys(expected)) {
    if (!(key in actual) || (Array.isArray(actual) && key === "length")) {
      continue;
    }
    kept[key] = part((actual as Fields)[key], (expected as Fields)[key], path);
  }
  return kept;
}

function treeKind(value: object): string {
  if (Array.isArray(value)) return "array";
  return value instanceof Map ? "map" : value instanceof Set ? "set" : "object";
}

/** Compared by its parts, not as a whole. */
function isTree(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    !(value instanceof Date || value instanceof RegExp ||
      value instanceof URL || value instanceof Error ||
      value instanceof ArrayBuffer || ArrayBuffer.isView(value));
}
