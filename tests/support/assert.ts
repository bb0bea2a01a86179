/**
 * Stands in for the functions of `@std/assert` that the suites use, where JSR
 * cannot be reached and on the runtimes that do not know `jsr:`.
 *
 * @module
 */
import { equal } from "./equal.ts";
import { common } from "./match.ts";
import { brief, diff, show } from "./show.ts";

/** What every failed assertion throws. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** A class of errors, abstract or not. */
export type ErrorClass<E extends Error = Error> = abstract new (
  ...args: never[]
) => E;

function unless(holds: boolean, says: string, msg: string | undefined): void {
  if (!holds) throw new AssertionError(says + (msg ? `: ${msg}` : ""));
}

/** Throws unless the value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Throws unless the value is falsy. */
export function assertFalse(expr: unknown, msg = ""): void {
  if (expr) throw new AssertionError(msg);
}

/** Throws unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  const [a, b] = [show(actual), show(expected)];
  const lines = a === b ? `  both read: ${a}` : diff(a, b);
  const after = msg ? `: ${msg}` : ".";
  throw new AssertionError(
    `Values are not equal${after}\n\n    [Diff] - Actual / + Expected\n\n${lines}\n`,
  );
}

/** Throws when both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  unless(
    !equal(actual, expected),
    `Expected actual: ${brief(actual)} not to be: ${brief(expected)}`,
    msg,
  );
}

/** Throws unless both are the same value, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const [a, b] = [show(actual), show(expected)];
  const after = msg ? `: ${msg}` : ".";
  throw new AssertionError(
    a === b
      ? `Values have the same structure but are not reference-equal${after}\n\n${a}\n`
      : `Values are not strictly equal${after}\n\n${diff(a, b)}\n`,
  );
}

/** Throws when both are the same value, by `Object.is`. */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  unless(
    !Object.is(actual, expected),
    `Expected "actual" to not be strictly equal to: ${brief(actual)}`,
    msg,
  );
}

/** Throws when the value is `null` or `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  unless(
    actual !== undefined && actual !== null,
    `Expected actual: "${actual}" to not be null or undefined`,
    msg,
  );
}

/** Throws unless the value is an instance of the class. */
export function assertInstanceOf<
  T extends abstract new (...args: never[]) => unknown,
>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  unless(
    actual instanceof expectedType,
    `Expected object to be an instance of "${expectedType.name}" but was ${
      kindOf(actual)
    }`,
    msg,
  );
}

/** Throws unless the text matches the expression. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  unless(
    expected.test(actual),
    `Expected actual: ${brief(actual)} to match: ${expected}`,
    msg,
  );
}

/** Throws when the text matches the expression. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  unless(
    !expected.test(actual),
    `Expected actual: ${brief(actual)} to not match: ${expected}`,
    msg,
  );
}

/** Throws unless the text contains the other. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  unless(
    actual.includes(expected),
    `Expected actual: ${JSON.stringify(actual)} to contain: ${
      JSON.stringify(expected)
    }`,
    msg,
  );
}

/** Throws unless each expected value deeply equals a member. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const members = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) =>
    !members.some((member) => equal(member, wanted))
  );
  unless(
    missing.length === 0,
    `Expected actual: ${brief(members)} to include: ${
      brief(Array.from(expected))
    }\nmissing: ${brief(missing)}`,
    msg,
  );
}

/** Throws unless the object holds, at every depth, all that is expected; it may hold more. */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(
    common(actual, expected),
    common(expected, expected),
    msg,
  );
}

/** Throws unless the numbers differ by no more than the tolerance, by default a ten-millionth of the expected one. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected)
    ? Math.abs(expected * 1e-7)
    : 1e-7,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  unless(
    delta <= tolerance,
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${tolerance}"`,
    msg,
  );
}

/** Throws unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  unless(
    actual > expected,
    `Expect ${brief(actual)} > ${brief(expected)}`,
    msg,
  );
}

/** Throws unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  unless(
    actual >= expected,
    `Expect ${brief(actual)} >= ${brief(expected)}`,
    msg,
  );
}

/** Throws unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  unless(
    actual < expected,
    `Expect ${brief(actual)} < ${brief(expected)}`,
    msg,
  );
}

/** Throws unless `actual <= expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  unless(
    actual <= expected,
    `Expect ${brief(actual)} <= ${brief(expected)}`,
    msg,
  );
}

/** Throws unless the value is an error, of the class and with the message when given. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    unless(false, `Expected "error" to be an Error object`, msg);
    return;
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was ${
        kindOf(error)
      }: ${JSON.stringify(error.message)}${msg ? `: ${msg}` : "."}`,
      { cause: error },
    );
  }
  if (msgMatches === undefined) return;
  const found = typeof msgMatches === "string"
    ? plain(error.message).includes(plain(msgMatches))
    : msgMatches.test(plain(error.message));
  unless(
    found,
    `Expected error message to include ${
      msgMatches instanceof RegExp ? msgMatches : JSON.stringify(msgMatches)
    }, but got ${JSON.stringify(error.message)}`,
    msg,
  );
}

/** Throws unless the function throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Throws unless the function throws an error of that class and message; returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: ErrorClass | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const [ErrorClass, says] = expectation(classOrMsg, msg);
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    if (ErrorClass) expectError(error, ErrorClass, msgIncludes, says, "thrown");
    return thrown;
  }
  throw new AssertionError(
    `Expected function to throw${says ? `: ${says}` : "."}`,
  );
}

/** Rejects unless the function's promise rejects; resolves with the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Rejects unless the function's promise rejects with an error of that class and message; resolves with it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const [ErrorClass, says] = expectation(classOrMsg, msg);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(
      `Function throws when expected to reject${says ? `: ${says}` : "."}`,
      { cause: error },
    );
  }
  try {
    await promise;
  } catch (error) {
    if (ErrorClass) {
      expectError(error, ErrorClass, msgIncludes, says, "rejected");
    }
    return error;
  }
  throw new AssertionError(
    `Expected function to reject${says ? `: ${says}` : "."}`,
  );
}

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${msg ? `: ${msg}` : "."}`);
}

/** Fails: this place was thought impossible to reach. */
export function unreachable(reason?: string): never {
  throw new AssertionError(`Unreachable${reason ? `: ${reason}` : "."}`);
}

function expectation(
  classOrMsg: ErrorClass | string | undefined,
  msg: string | undefined,
): [ErrorClass | undefined, string | undefined] {
  return typeof classOrMsg === "string"
    ? [undefined, classOrMsg]
    : [classOrMsg, msg];
}

function expectError(
  error: unknown,
  ErrorClass: ErrorClass,
  msgIncludes: string | undefined,
  msg: string | undefined,
  how: string,
): void {
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `A non-Error object was ${how}${msg ? `: ${msg}` : "."}`,
      { cause: error },
    );
  }
  assertIsError(error, ErrorClass, msgIncludes, msg);
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== "object") {
    return typeof value === "function"
      ? `"${value.name}"`
      : value === null
      ? "null"
      : `of type "${typeof value}"`;
  }
  return `"${value.constructor?.name ?? "Object"}"`;
}

/** Without terminal colours. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
