import { MAX_HOPS } from "./hops.ts";
import { readBase64url, writeBase64url } from "./base64url.ts";

/** What a ring says: that a consumer is needed, and who was told to ring for it. */
export interface Ring {
  /** The queue's name. */
  readonly queue: string;
  /** The mark that the broker gave with the order to ring; it is good once. */
  readonly mark: string;
  /** The how manyth ring it is in a row that led from one to the next, from 1. */
  readonly hop: number;
  /** When it was made, in milliseconds since the epoch. */
  readonly at: number;
}

/** A ring as it is sent. */
export interface SignedRing {
  /** The body. */
  readonly body: string;
  /** The value of {@link RING_HEADER}. */
  readonly signature: string;
}

/** The header that proves a ring. */
export const RING_HEADER = "baton-signature";
/** How old a ring may be, in milliseconds, and how far ahead of the one who hears it its maker's clock may be. */
export const RING_AGE_MS = 60_000;

const VERSION = "v1=";
const utf8 = new TextEncoder();

/** Signs a ring to be sent to `path`, by HMAC with SHA-256 (RFC 2104): what it says cannot be changed, nor sent elsewhere. */
export async function signRing(
  secret: string,
  path: string,
  ring: Ring,
): Promise<SignedRing> {
  const body = JSON.stringify(ring);
  const key = await hmacKey(secret, "sign");
  const mac = await crypto.subtle.sign("HMAC", key, message(path, body));
  return { body, signature: VERSION + writeBase64url(new Uint8Array(mac)) };
}

/** The ring that was signed with the secret for `path`, not longer ago than {@link RING_AGE_MS}; undefined for any other. */
export async function openRing(
  secret: string,
  path: string,
  { body, signature }: SignedRing,
  now: number,
): Promise<Ring | undefined> {
  const mac = signature.startsWith(VERSION)
    ? readBase64url(signature.slice(VERSION.length))
    : undefined;
  if (mac === undefined) return undefined;
  const key = await hmacKey(secret, "verify");
  const text = message(path, body);
  if (!await crypto.subtle.verify("HMAC", key, mac, text)) return undefined;
  const ring = readRing(body);
  return ring !== undefined && Math.abs(now - ring.at) <= RING_AGE_MS
    ? ring
    : undefined;
}

/** What a body says, if it is a ring's. */
export function readRing(body: string): Ring | undefined {
  try {
    const { queue, mark, hop, at }: Partial<Ring> = JSON.parse(body) ?? {};
    const isRing = typeof queue === "string" && typeof mark === "string" &&
      /^\d{1,15}$/.test(mark) && Number.isSafeInteger(hop) && hop! > 0 &&
      hop! <= MAX_HOPS && Number.isFinite(at);
    return isRing ? { queue, mark, hop: hop!, at: at! } : undefined;
  } catch {
    return undefined;
  }
}

/** A key of the secret's bytes. */
export function hmacKey(
  secret: string,
  usage: "sign" | "verify",
): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", utf8.encode(secret), algorithm, false, [
    usage,
  ]);
}

function message(path: string, body: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(`baton-ring\n${path}\n${body}`);
}
