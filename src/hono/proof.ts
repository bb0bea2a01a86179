import type { Context as HonoContext } from "hono";
import { writeBase64url } from "../codec/base64url.ts";
import { openJwt } from "../codec/jwt.ts";
import { openRing, readRing, RING_HEADER } from "../codec/ring.ts";
import { bearerIs } from "./bearer.ts";
import type { Caller, Guard, QStashKeys } from "./hearing.ts";

/** No ring is longer. */
const MAX_BYTES = 16_384;
/** How far QStash's clock may be from this one, in seconds. */
const LEEWAY = 5;

/** Who called, if it may: with a ring that is signed, with one of QStash's deliveries, with the secret itself. */
export async function callerOf(
  c: HonoContext,
  guard: Guard,
): Promise<Caller | undefined> {
  const { secret, qstash } = guard;
  const signature = c.req.header(RING_HEADER);
  if (secret !== undefined && signature !== undefined) {
    return await signedRing(c, secret, signature, guard.now);
  }
  const jwt = c.req.header("upstash-signature");
  if (qstash !== undefined && jwt !== undefined) {
    return await delivery(c, qstash, jwt, guard.now);
  }
  if (secret === undefined) return undefined;
  const isKnown = await bearerIs(secret, c.req.header("authorization"));
  return isKnown ? { by: "bearer", ring: undefined } : undefined;
}

/** Who brings a ring that was signed with the secret for this route. */
async function signedRing(
  c: HonoContext,
  secret: string,
  signature: string,
  now: number,
): Promise<Caller | undefined> {
  const body = await bodyOf(c);
  if (body === undefined) return undefined;
  const path = new URL(c.req.url).pathname;
  const ring = await openRing(secret, path, { body, signature }, now);
  return ring && { by: "ring", ring };
}

/** Who brings one of QStash's deliveries: a JWT of its own over the URL and the body's hash. */
async function delivery(
  c: HonoContext,
  { currentSigningKey, nextSigningKey, url = c.req.url }: QStashKeys,
  jwt: string,
  now: number,
): Promise<Caller | undefined> {
  const claims = await openJwt([currentSigningKey, nextSigningKey], jwt);
  const body = claims && await bodyOf(c);
  if (claims === undefined || body === undefined) return undefined;
  const { iss, sub, exp, nbf, body: hash } = claims;
  const seconds = now / 1_000;
  const isGenuine = iss === "Upstash" && sub === url &&
    typeof exp === "number" && seconds < exp + LEEWAY &&
    typeof nbf === "number" && seconds >= nbf - LEEWAY &&
    String(hash).replace(/=+$/, "") === await hashOf(body);
  return isGenuine ? { by: "qstash", ring: readRing(body) } : undefined;
}

async function hashOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return writeBase64url(new Uint8Array(hash));
}

/** The body, if it is no longer than a ring may be: it is read before anybody is known. */
async function bodyOf(c: HonoContext): Promise<string | undefined> {
  const reader = c.req.raw.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MAX_BYTES) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}
