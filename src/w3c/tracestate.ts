import type { TraceState as ApiTraceState } from "@opentelemetry/api";
import { joinLines, MAX_MEMBERS, MAX_TRACESTATE } from "./header.ts";

/** Up to 32 members, each with a comma after it. */
const MEMBERS =
  /^([a-z\d][a-z\d_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~],){1,32}$/;

/**
 * The `tracestate` of a trace: up to 32 vendors' entries, the newest first. Immutable.
 *
 * @see W3C Trace Context level 2, section 3.3
 */
export class TraceState implements ApiTraceState {
  /** The members, with a comma after each. */
  #list = "";

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
    const text = joinLines(header, MAX_TRACESTATE);
    if (text.length > MAX_TRACESTATE) return undefined;
    return TraceState.#of(text) ??
      TraceState.#of(`${members(text).join(",")},`);
  }

  /**
   * Returns a list with the entry first, in place of those of the same key; of 33 entries the last is left out.
   *
   * @returns This very list when the key or the value is invalid.
   */
  set(key: string, value: string): TraceState {
    const entry = `${key}=${value}`;
    return entry.includes(",") ? this : this.#with(key, entry) ?? this;
  }

  /** Returns a list without the entry of that key. */
  unset(key: string): TraceState {
    return this.#with(key) ?? new TraceState();
  }

  /** The value of a key, or `undefined`. */
  get(key: string): string | undefined {
    return members(this.#list).find((member) => member.startsWith(`${key}=`))
      ?.slice(key.length + 1);
  }

  /** The header's value; the empty string for an empty list, which is not to be sent. */
  serialize(): string {
    return this.#list.slice(0, -1);
  }

  /** The list with these entries first, in the place of the key's. */
  #with(key: string, ...entries: readonly string[]): TraceState | undefined {
    const others = members(this.#list).filter((member) =>
      !member.startsWith(`${key}=`)
    );
    const list = [...entries, ...others].slice(0, MAX_MEMBERS);
    return TraceState.#of(`${list.join(",")},`);
  }

  static #of(list: string): TraceState | undefined {
    if (!MEMBERS.test(list)) return undefined;
    const state = new TraceState();
    state.#list = list;
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

function members(text: string): string[] {
  return text.split(",").map((member) => member.trim()).filter(Boolean);
}
