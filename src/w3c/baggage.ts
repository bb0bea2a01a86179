import {
  type Baggage,
  type BaggageEntry,
  baggageEntryMetadataFromString,
  propagation,
} from "@opentelemetry/api";
import { joinLines, trimOws } from "./header.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PROPERTIES = /^[\t\x20-\x2b\x2d-\x7e]+$/;
const UNESCAPED = /[!'()*]/g;
const MAX_BYTES = 8192;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/**
 * Reads a `baggage` header.
 *
 * Entries that are malformed are left out, and so is everything when all lines together exceed 8,192 characters:
 * nothing unbounded is parsed. Values are percent-decoded, bad UTF-8 becomes U+FFFD; of a repeated key the last counts.
 * Properties are kept, undecoded, as the entry's metadata.
 *
 * @param header The header's value, or those of all its lines in their order.
 * @returns The baggage, or `undefined` when no entry is left.
 * @see W3C Baggage, section 3
 */
export function parseBaggage(
  header: string | readonly string[],
): Baggage | undefined {
  const entries: Record<string, BaggageEntry> = Object.create(null);
  let found = false;
  for (const member of (joinLines(header, MAX_BYTES) ?? "").split(",")) {
    const [pair = "", ...properties] = member.split(";");
    const equals = pair.indexOf("=");
    if (equals < 1) continue;
    const key = trimOws(pair.slice(0, equals));
    if (!TOKEN.test(key)) continue;
    const value = decode(trimOws(pair.slice(equals + 1)));
    entries[key] = properties.length === 0 ? { value } : {
      value,
      metadata: baggageEntryMetadataFromString(
        properties.map(property).join(";"),
      ),
    };
    found = true;
  }
  return found ? propagation.createBaggage(entries) : undefined;
}

/**
 * Writes a `baggage` header.
 *
 * Values are percent-encoded. Entries whose key is no token are left out, properties that no header can carry too,
 * and so is, whole, every entry that would take the header over 8,192 bytes.
 *
 * @returns The header's value; the empty string when there is nothing to send.
 * @see W3C Baggage, section 3
 */
export function formatBaggage(baggage: Baggage): string {
  let header = "";
  for (const [key, { value, metadata }] of baggage.getAllEntries()) {
    if (!TOKEN.test(key)) continue;
    const properties = metadata?.toString() ?? "";
    let member = `${key}=${encode(value)}`;
    if (PROPERTIES.test(properties)) member += `;${properties}`;
    if (header !== "") member = `,${member}`;
    if (header.length + member.length <= MAX_BYTES) header += member;
  }
  return header;
}

/** A property without the whitespace around its parts. */
function property(source: string): string {
  const equals = source.indexOf("=");
  if (equals < 0) return trimOws(source);
  const value = trimOws(source.slice(equals + 1));
  return `${trimOws(source.slice(0, equals))}=${value}`;
}

function encode(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    UNESCAPED,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return decodeBytes(value);
  }
}

/** Percent-decodes what is no valid UTF-8 or holds a percent sign that escapes nothing. */
function decodeBytes(value: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < value.length; at++) {
    const escaped = value.slice(at + 1, at + 3);
    if (value[at] === "%" && /^[0-9A-Fa-f]{2}$/.test(escaped)) {
      bytes.push(parseInt(escaped, 16));
      at += 2;
    } else {
      bytes.push(...utf8.encode(value[at]));
    }
  }
  return text.decode(new Uint8Array(bytes));
}
