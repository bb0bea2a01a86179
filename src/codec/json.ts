import { PayloadError } from "../core/error.ts";

const utf8 = new TextEncoder();

/**
 * `value` as JSON. What JSON would drop or turn into something else without a word is refused; a Date or anything else with `toJSON` becomes what that gives, and an instance of a class a plain object.
 * `undefined` members are left out, as everywhere in JavaScript.
 *
 * @throws {PayloadError} If JSON cannot carry it (BigInt, NaN, functions, symbols, cycles, `undefined` in an array), its issues saying where, its message neither that nor the value; or if it is over `maxBytes`.
 */
export function writeJson(
  value: unknown,
  subject: string,
  maxBytes: number,
): string | undefined {
  if (value === undefined) return undefined;
  let json: string | undefined;
  try {
    check(value, "", subject, []);
    json = JSON.stringify(value);
  } catch (cause) {
    if (cause instanceof PayloadError) throw cause;
    throw new PayloadError(`${subject} cannot be written as JSON`, [], {
      cause,
    });
  }
  if (json === undefined) {
    throw new PayloadError(`${subject} cannot be written as JSON`);
  }
  const bytes = byteLength(json, maxBytes);
  if (bytes > maxBytes) {
    throw new PayloadError(
      `${subject} is ${bytes} bytes of JSON: the limit is ${maxBytes}. Store it elsewhere and pass a reference`,
    );
  }
  return json;
}

/** UTF-8 bytes of `text`; its length where that is already over `enough`. */
export function byteLength(text: string, enough: number): number {
  return text.length > enough ? text.length : utf8.encode(text).length;
}

function check(
  given: unknown,
  path: string,
  subject: string,
  above: object[],
): void {
  const value = jsonOf(given, path, subject);
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      return refuse(subject, path, `${value}`);
    case "object":
      break;
    default:
      return refuse(
        subject,
        path,
        value === undefined ? "undefined" : `a ${typeof value}`,
      );
  }
  if (value === null) return;
  if (above.includes(value)) refuse(subject, path, "a cycle");
  if (above.length > 500) refuse(subject, path, "more than 500 levels");
  above.push(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      check(value[i], path === "" ? `${i}` : `${path}.${i}`, subject, above);
    }
  } else {
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (tag !== "Object") {
      const hint = tag === "Promise"
        ? "is an await missing?"
        : "write it as a plain object first";
      refuse(subject, path, `a ${tag} (${hint})`);
    }
    for (const [key, member] of entriesOf(value, path, subject)) {
      if (member === undefined) continue;
      check(member, path === "" ? key : `${path}.${key}`, subject, above);
    }
  }
  above.pop();
}

function refuse(subject: string, path: string, what: string): never {
  const where = path === "" ? "" : " (see the error's 'issues' for where)";
  throw new PayloadError(
    `${subject} holds what JSON cannot carry: ${what}${where}`,
    [{ message: what, path }],
  );
}

/** The members of an object, whose getters may throw. */
function entriesOf(
  value: object,
  path: string,
  subject: string,
): readonly (readonly [string, unknown])[] {
  try {
    return Object.entries(value);
  } catch {
    return refuse(subject, path, "a property that cannot be read");
  }
}

/** What an object's own `toJSON` makes of it, which as in JSON is not asked for a `toJSON` of its own. */
function jsonOf(value: unknown, path: string, subject: string): unknown {
  if (typeof value !== "object" || value === null) return value;
  try {
    const { toJSON } = value as { readonly toJSON?: unknown };
    return typeof toJSON === "function" ? toJSON.call(value) : value;
  } catch {
    return refuse(subject, path, "a toJSON() that throws");
  }
}
