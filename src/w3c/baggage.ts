import type {
  Baggage,
  BaggageEntry,
  BaggageEntryMetadata,
} from "@opentelemetry/api";
import { propagation } from "./api.ts";
import { joinLines } from "./header.ts";

const TOKEN = /^[!#-'*+.^`|~\w-]+$/;
const PROPERTIES = /^[\t -+\--~]+$/;
/** What somebody may read something into: more than `encodeURIComponent` escapes. */
const SPECIAL = /[^\w.~-]/gu;
/** What a value cannot hold as it is. */
const FORBIDDEN = /[^!#$&-+\--:<-[\]-~]/gu;
const MAX_BYTES = 8192;

/**
 * Reads a `baggage` header.
 *
 * Entries that are malformed are left out, and so is all that stands beyond 8,192 characters of all lines together,
 * with the entry which that cuts: nothing unbounded is read. Values are percent-decoded, bad UTF-8 becomes U+FFFD; of a
 * repeated key the last counts. Properties are kept, undecoded, as the entry's metadata.
 *
 * @param header The header's value, or those of all its lines in their order.
 * @returns The baggage, or `undefined` when no entry is left.
 * @see W3C Baggage, section 3
 */
export function parseBaggage(
  header: string | readonly string[],
): Baggage | undefined {
  const entries: [key: string, entry: BaggageEntry][] = [];
  for (const member of readable(header).split(",")) {
    const [pair = "", ...properties] = member.split(";");
    const [name = "", ...rest] = pair.split("=");
    const key = name.trim();
    if (!TOKEN.test(key) || rest.length === 0) continue;
    const value = decode(rest.join("=").trim());
    const text = properties.map(property).join(";");
    const metadata = { toString: () => text } as BaggageEntryMetadata;
    entries.push([
      key,
      properties.length > 0 ? { value, metadata } : { value },
    ]);
  }
  return entries.length > 0
    ? propagation.createBaggage(Object.fromEntries(entries))
    : undefined;
}

/**
 * Writes a `baggage` header.
 *
 * Values are percent-encoded; where that would take the header over 8,192 bytes, no more of them than must be. What
 * exceeds these all the same is left out, entry by entry and each of them whole. Left out are also entries whose key is
 * no token, and properties that no header can carry.
 *
 * @returns The header's value; the empty string when there is nothing to send.
 * @see W3C Baggage, section 3
 */
export function formatBaggage(baggage: Baggage): string {
  const header = members(baggage, SPECIAL).join(",");
  return header.length <= MAX_BYTES
    ? header
    : members(baggage, FORBIDDEN).reduce((kept, member) => {
      const longer = kept === "" ? member : `${kept},${member}`;
      return longer.length <= MAX_BYTES ? longer : kept;
    }, "");
}

/** The whole entries within the limit. */
function readable(header: string | readonly string[]): string {
  const text = joinLines(header, MAX_BYTES);
  return text.length <= MAX_BYTES
    ? text
    : text.slice(0, Math.max(text.lastIndexOf(",", MAX_BYTES), 0));
}

/** A property without the whitespace around its parts. */
function property(source: string): string {
  return source.split("=").map((part) => part.trim()).join("=");
}

function members(baggage: Baggage, escaped: RegExp): string[] {
  return baggage.getAllEntries().filter(([key]) => TOKEN.test(key)).map(
    ([key, { value, metadata }]) => {
      const text = value.toWellFormed().replace(escaped, percentEncode);
      const member = `${key}=${text}`;
      const properties = metadata?.toString() ?? "";
      return PROPERTIES.test(properties) ? `${member};${properties}` : member;
    },
  );
}

function percentEncode(character: string): string {
  const encoded = encodeURIComponent(character);
  return encoded === character
    ? `%${character.charCodeAt(0).toString(16).toUpperCase()}`
    : encoded;
}

/** As forms are decoded, which makes U+FFFD of bad UTF-8, but for two characters that mean something there. */
function decode(value: string): string {
  const text = value.replace(/[&+]/g, encodeURIComponent);
  return new URLSearchParams(`=${text}`).get("")!;
}
