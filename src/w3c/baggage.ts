import type {
  Baggage,
  BaggageEntry,
  BaggageEntryMetadata,
} from "@opentelemetry/api";
import { propagation } from "./api.ts";
import { joinLines, MAX_BAGGAGE } from "./header.ts";

/** What begins after a comma and ends before one. None of its parts can hold what comes after it, so that nothing is looked at often. */
const MEMBER = /(?:^|,)\s*([!#-'*+.^`|~\w-]+)\s*=([^,;]*)(?:;([^,]*))?(?=,)/g;
const TOKEN = /^[!#-'*+.^`|~\w-]+$/;
const PROPERTIES = /^;[\t -+\--~]+$/;

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
  const text = joinLines(header, MAX_BAGGAGE).slice(0, MAX_BAGGAGE);
  const entries = Array.from(text.matchAll(MEMBER), entryOf);
  return entries.length > 0
    ? propagation.createBaggage(Object.fromEntries(entries))
    : undefined;
}

function entryOf(
  [, key, written, properties]: RegExpExecArray,
): [key: string, entry: BaggageEntry] {
  // decoded as in a form, which makes U+FFFD of bad UTF-8, but for two characters that mean something there
  const encoded = written!.trim().replace(/[&+]/g, encodeURIComponent);
  const value = new URLSearchParams(`=${encoded}`).get("")!;
  const text = properties?.split(/([;=])/).map((part) => part.trim()).join("");
  const metadata = { toString: () => text } as BaggageEntryMetadata;
  return [key!, { value, ...(text && { metadata }) }];
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
  // escaped is what somebody may read something into; where room is scarce, what cannot stand
  const header = write(baggage, /[^\w.~-]/gu, Infinity);
  return header.length < MAX_BAGGAGE
    ? header
    : write(baggage, /[^!#$&-+\--:<-[\]-~]/gu, MAX_BAGGAGE);
}

/** The entries that are shorter than `max` together, with a comma after each, of which the last is left out. */
function write(baggage: Baggage, escaped: RegExp, max: number): string {
  let header = "";
  for (const [key, entry] of baggage.getAllEntries()) {
    const text = entry.value.toWellFormed().replace(escaped, percentEncode);
    const properties = `;${entry.metadata ?? ""}`;
    const member = `${key}=${text}` +
      (PROPERTIES.test(properties) ? properties : "");
    if (TOKEN.test(key) && header.length + member.length < max) {
      header += `${member},`;
    }
  }
  return header.slice(0, -1);
}

function percentEncode(character: string): string {
  const encoded = encodeURIComponent(character);
  return encoded === character
    ? `%${character.charCodeAt(0).toString(16).toUpperCase()}`
    : encoded;
}
