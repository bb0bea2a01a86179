import type { TraceState as ApiTraceState } from "@opentelemetry/api";
import { joinLines, trimOws } from "./header.ts";

const KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const MAX_MEMBERS = 32;
const MAX_LENGTH = 8192;

type Member = readonly [key: string, value: string];

/**
 * The `tracestate` of a trace: up to 32 vendors' entries, the newest first. Immutable.
 *
 * @see W3C Trace Context level 2, section 3.3
 */
export class TraceState implements ApiTraceState {
  #members: readonly Member[] = [];
  #text: string | undefined;

  /**
   * Reads a `tracestate` header.
   *
   * One invalid, repeated or 33rd entry invalidates the whole list, and so do more than 8,192 characters,
   * which are refused before they are looked at.
   *
   * @param header The header's value, or those of all its lines in their order.
   * @returns The list, or `undefined` when it is invalid or empty.
   */
  static parse(header: string | readonly string[]): TraceState | undefined {
    const text = joinLines(header, MAX_LENGTH);
    if (text === undefined) return undefined;
    const members: Member[] = [];
    for (const part of text.split(",")) {
      const member = trimOws(part);
      if (member === "") continue;
      const equals = member.indexOf("=");
      if (equals < 1 || members.length === MAX_MEMBERS) return undefined;
      const key = member.slice(0, equals);
      const value = member.slice(equals + 1);
      if (!isMember(key, value) || members.some(([k]) => k === key)) {
        return undefined;
      }
      members.push([key, value]);
    }
    return members.length === 0 ? undefined : TraceState.#of(members);
  }

  /**
   * Returns a list with the entry first, in place of one of the same key; of 33 entries the last is left out.
   *
   * @returns This very list when the key or the value is invalid.
   */
  set(key: string, value: string): TraceState {
    if (!isMember(key, value)) return this;
    const others = this.#members.filter(([k]) => k !== key);
    return TraceState.#of([[key, value], ...others.slice(0, MAX_MEMBERS - 1)]);
  }

  /** Returns a list without the entry of that key. */
  unset(key: string): TraceState {
    return TraceState.#of(this.#members.filter(([k]) => k !== key));
  }

  /** The value of a key, or `undefined`. */
  get(key: string): string | undefined {
    return this.#members.find(([k]) => k === key)?.[1];
  }

  /** The header's value; the empty string for an empty list, which is not to be sent. */
  serialize(): string {
    return this.#text ??= this.#members.map(([k, v]) => `${k}=${v}`).join(",");
  }

  static #of(members: readonly Member[]): TraceState {
    const state = new TraceState();
    state.#members = members;
    return state;
  }
}

function isMember(key: string, value: string): boolean {
  return KEY.test(key) && VALUE.test(value);
}
