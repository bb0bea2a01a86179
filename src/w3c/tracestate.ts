import type { TraceState as ApiTraceState } from "@opentelemetry/api";
import { joinLines } from "./header.ts";

/** Up to 32 members, each with a comma after it. */
const MEMBERS =
  /^([a-z\d][a-z\d_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~],){1,32}$/;
const MAX_MEMBERS = 32;

/** 32 members of the longest key, the longest value and what stands between them. */
const MAX_LENGTH = 32 * (256 + 1 + 256) + 31;

/**
 * The `tracestate` of a trace: up to 32 vendors' entries, the newest first. Immutable.
 *
 * @see W3C Trace Context level 2, section 3.3
 */
export class TraceState implements ApiTraceState {
  #text = "";

  /**
   * Reads a `tracestate` header.
   *
   * One invalid or 33rd entry invalidates the whole list. So do more than 16,447 characters, the length of the longest
   * list: they are refused before they are looked at. Entries are handed on as they came, also those of a repeated key,
   * of which the first counts.
   *
   * @param header The header's value, or those of all its lines in their order.
   * @returns The list, or `undefined` when it is invalid or empty.
   */
  static parse(header: string | readonly string[]): TraceState | undefined {
    const text = joinLines(header, MAX_LENGTH);
    if (text.length > MAX_LENGTH) return undefined;
    const list = isList(text)
      ? text
      : members(text).map((entry) => entry.trim()).filter(Boolean).join(",");
    return isList(list) ? TraceState.#of(list) : undefined;
  }

  /**
   * Returns a list with the entry first, in place of those of the same key; of 33 entries the last is left out.
   *
   * @returns This very list when the key or the value is invalid.
   */
  set(key: string, value: string): TraceState {
    const entry = `${key}=${value}`;
    if (entry.includes(",") || !isList(entry)) return this;
    const others = this.#without(key).slice(0, MAX_MEMBERS - 1);
    return TraceState.#of([entry, ...others].join(","));
  }

  /** Returns a list without the entry of that key. */
  unset(key: string): TraceState {
    return TraceState.#of(this.#without(key).join(","));
  }

  /** The value of a key, or `undefined`. */
  get(key: string): string | undefined {
    const name = `${key}=`;
    return members(this.#text).find((member) => member.startsWith(name))
      ?.slice(name.length);
  }

  /** The header's value; the empty string for an empty list, which is not to be sent. */
  serialize(): string {
    return this.#text;
  }

  #without(key: string): string[] {
    return members(this.#text).filter((member) =>
      !member.startsWith(`${key}=`)
    );
  }

  static #of(text: string): TraceState {
    const state = new TraceState();
    state.#text = text;
    return state;
  }
}

/**
 * A list of at most `max` characters: where it must be cut, entries of more than 128 characters go first, then those
 * from the right, each of them whole.
 *
 * @see W3C Trace Context level 2, section 3.3.1.5
 */
export function truncateTracestate(text: string, max: number): string {
  const kept = members(text);
  let length = text.length;
  for (const longest of [128, 0]) {
    for (let at = kept.length; at-- > 0 && length > max;) {
      if (kept[at]!.length <= longest) continue;
      length -= kept.splice(at, 1)[0]!.length + 1;
    }
  }
  return kept.join(",");
}

function isList(text: string): boolean {
  return MEMBERS.test(`${text},`);
}

function members(text: string): string[] {
  return text === "" ? [] : text.split(",");
}
