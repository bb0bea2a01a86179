import { PayloadError } from "../core/error.ts";

const utf8 = new TextEncoder();

/**
 * `value` as JSON. What JSON would drop or turn into something else without a word is refused; a Date or anything else with `toJSON` becomes what that gives, and an instance of a class a plain object.
 * `undefined` members are left out, as everywhere in JavaScript.
 *
 * @throws {PayloadError} If JSON cannot carry it (BigInt, NaN, functions, symbols, cycles, `undefined` in an array), naming the place and never the value; or if it is over `maxBytes`.
 */
export function writeJson(
  value: unknown,
  subject: string,
  maxBytes: number,
): string | undefined {
  if (value === undefined) return undefined;
  check(value, "", subject, []);
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
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
  value: unknown,
  path: string,
  subject: string,
  above: object[],
): void {
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
      return refuse(subject, path, `a ${typeof value}`);
  }
  if (value === null) return;
  if (above.includes(value)) refuse(subject, path, "a cycle");
  if (above.length > 500) refuse(subject, path, "more than 500 levels");
  const json = (value as { toJSON?: unknown }).toJSON;
  if (typeof json === "function") return;
  above.push(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      check(value[i], `${path}[${i}]`, subject, above);
    }
  } else {
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (tag !== "Object") {
      refuse(subject, path, `a ${tag} (write it as a plain object first)`);
    }
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      check(member, path === "" ? key : `${path}.${key}`, subject, above);
    }
  }
  above.pop();
}

function refuse(subject: string, path: string, what: string): never {
  const where = path === "" ? "" : ` at '${path}'`;
  throw new PayloadError(
    `${subject} holds what JSON cannot carry${where}: ${what}`,
  );
}
