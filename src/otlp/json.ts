import * as bytes from "./bytes.ts";
import { QUOTE } from "./codes.ts";

// JSON's way of writing members and elements: each with a comma before it, in whose place a bracket is put in the end.

/** Encloses what was written since `start`: a bracket takes the place of the comma before the first member or element. */
export function enclose(start: number, before: number, after: number): void {
  if (bytes.size() === start) bytes.byte(before);
  else bytes.replace(start, before);
  bytes.byte(after);
}

/** Writes a JSON member's name; returns where its value begins. */
export function key(name: string): number {
  bytes.remembered(name, writeName);
  return bytes.size();
}

function writeName(name: string): void {
  bytes.ascii(`,"${name}":`);
}

export function quoted(value: string): void {
  if (!bytes.plain(QUOTE, value, 1)) {
    bytes.text(JSON.stringify(value.toWellFormed()));
  }
}

export function literal(name: string, json: string): void {
  key(name);
  bytes.ascii(json);
}

/** The exact digits of a whole number, as text: JSON's numbers do not hold all of 64 bits. */
export function whole(value: number | bigint): string {
  return `"${Number.isSafeInteger(value) ? value : BigInt(value)}"`;
}

/** A double; JSON has no other way for what is not finite than text. */
export function number(value: number): string {
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}
