const utf8 = /* @__PURE__ */ new TextEncoder();
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Options by their names alone; `where` says whose they are, as in "of drain()".
 *
 * @throws {TypeError} If they are no object, or one of them is unknown.
 */
export function checkKnown(
  where: string,
  given: object,
  allowed: readonly string[],
): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The options ${where} must be an object`);
  }
  for (const name of Object.keys(given)) {
    if (allowed.includes(name)) continue;
    throw new TypeError(
      `Unknown option '${name}' ${where}: the options are ${
        allowed.join(", ")
      }`,
    );
  }
}

/**
 * A name that people read: of a task, a label, a key.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is empty, over 200 bytes, malformed or has control characters.
 */
export function checkName(what: string, name: unknown): asserts name is string {
  if (typeof name !== "string") {
    throw new TypeError(`The ${what} must be a string, not ${typeof name}`);
  }
  if (name === "") throw new RangeError(`The ${what} must not be empty`);
  if (CONTROL.test(name) || !name.isWellFormed()) {
    throw new RangeError(
      `The ${what} ${
        quote(name)
      } must be well-formed text without control characters`,
    );
  }
  const bytes = utf8.encode(name).length;
  if (bytes > 200) {
    throw new RangeError(
      `The ${what} ${quote(name)} must be at most 200 bytes: it is ${bytes}`,
    );
  }
}

/**
 * A whole number between `min` and `max`.
 *
 * @throws {TypeError} If it is no number.
 * @throws {RangeError} If it is fractional, NaN or outside.
 */
export function checkInteger(
  what: string,
  value: unknown,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== "number") {
    throw new TypeError(`${what} must be a number, not ${typeof value}`);
  }
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(
      `${what} must be a whole number from ${min} to ${max}: current value is ${value}`,
    );
  }
}

/** A value as messages show it. */
export function quote(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
