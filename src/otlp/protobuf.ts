import * as bytes from "./bytes.ts";
import { LENGTH_DELIMITED } from "./codes.ts";

export function blob(field: number, content: Uint8Array): void {
  tag(field, LENGTH_DELIMITED);
  bytes.varint(content.length);
  bytes.put(content);
}

export function tag(field: number, wire: number): void {
  bytes.varint(field << 3 | wire);
}

/** Writes the 64 bits of a whole number, in two halves. */
export function halves(value: number): void {
  bytes.fixed32(value);
  bytes.fixed32(Math.floor(value / 2 ** 32));
}
