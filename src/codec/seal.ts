import { readBase64url, writeBase64url } from "./base64url.ts";
import { type Keyring, keyring } from "./keyring.ts";
import type { Bytes, SealSettings } from "./secrets.ts";

/** Where a text belongs: its seal fits nowhere else. */
export interface Place {
  /** The queue's name. */
  readonly queue: string;
  /** The task's id. */
  readonly id: string;
  /** What of the task it is. */
  readonly part: "envelope" | "result" | "error" | "progress";
}

/** What `open` finds: the text before it was sealed, one that is not as it was sealed, or one under a key that is not among ours. */
export type Verdict =
  | { readonly kind: "open"; readonly text: string }
  | { readonly kind: "tampered"; readonly reason: string }
  | { readonly kind: "unknownKey"; readonly keyId: string };

/**
 * Seals texts that are a JSON object on one line, and opens them.
 *
 * All of a text is authenticated, byte for byte, with its place. What stands before the member `i` stays readable; `i` and what follows it is encrypted if anything is.
 * The same text in the same place always becomes the same sealed text.
 */
export interface Seal {
  /** The sealed text; rejects with a TypeError where the text to encrypt begins with its member `i`. */
  close(text: string, place: Place): Promise<string>;
  /** What was sealed; rejects for no content of `text`. */
  open(text: string, place: Place): Promise<Verdict>;
}

/** A sealed text, apart: `body` is what stands before the seal. */
interface Sealed {
  readonly body: string;
  readonly keyId: string;
  readonly isEncrypted: boolean;
  readonly data: string;
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const NONCE_BYTES = 12;
const PRIVATE = ',"i":';
const SEAL = ',"k":"';
const SEAL_FORM = /^,"k":"([\w.-]{1,64})","(sig|enc)":"([\w-]+)"\}$/;

const UNSEALED: Verdict = { kind: "tampered", reason: "it is not sealed" };
const TAMPERED: Verdict = {
  kind: "tampered",
  reason: "its seal does not fit its content, its task or its queue",
};

/**
 * A seal over what the database holds: who can write to it, but has none of the keys, can neither make a task nor change one, nor move one to another id or queue.
 * Whoever can write may still delete a task, or put a text back that once stood in the same place.
 */
export function createSeal(settings: SealSettings): Seal {
  const { encrypt, acceptUnsealed } = settings;
  const keys = keyring(settings.secrets);
  return {
    close: (text, place) =>
      encrypt ? encrypted(keys, text, place) : signed(keys, text, place),
    async open(text, place) {
      const sealed = sealedParts(text);
      if (sealed === undefined) {
        return acceptUnsealed ? { kind: "open", text } : UNSEALED;
      }
      const { keyId } = sealed;
      if (!keys.has(keyId)) return { kind: "unknownKey", keyId };
      const opened = sealed.isEncrypted
        ? await decrypted(keys, sealed, place)
        : await verified(keys, sealed, place);
      return opened === undefined ? TAMPERED : { kind: "open", text: opened };
    },
  };
}

function sealedParts(text: string): Sealed | undefined {
  const at = Math.max(0, text.lastIndexOf(SEAL));
  const [, keyId, kind, data] = SEAL_FORM.exec(text.slice(at)) ?? [];
  if (keyId === undefined || data === undefined || !text.isWellFormed()) {
    return undefined;
  }
  return { body: text.slice(0, at), keyId, isEncrypted: kind === "enc", data };
}

async function signed(
  keys: Keyring,
  text: string,
  place: Place,
): Promise<string> {
  const body = text.slice(0, -1);
  const key = await keys.get(keys.first, "sign");
  const mac = await hmac(key, bound(body, keys.first, place));
  return `${body}${SEAL}${keys.first}","sig":"${writeBase64url(mac)}"}`;
}

async function verified(
  keys: Keyring,
  { body, keyId, data }: Sealed,
  place: Place,
): Promise<string | undefined> {
  const mac = readBase64url(data);
  if (mac === undefined) return undefined;
  const key = await keys.get(keyId, "sign");
  const holds = await crypto.subtle.verify(
    "HMAC",
    key,
    mac,
    bound(body, keyId, place),
  );
  return holds ? `${body}}` : undefined;
}

/** The nonce is made of all that is sealed, so that two texts share one only if they are the same; no randomness is needed, or can fail. */
async function encrypted(
  keys: Keyring,
  text: string,
  place: Place,
): Promise<string> {
  const body = text.slice(0, -1);
  const head = readable(body);
  const nonceKey = await keys.get(keys.first, "nonce");
  const nonce = (await hmac(nonceKey, bound(body, keys.first, place)))
    .subarray(0, NONCE_BYTES);
  const cipher = await crypto.subtle.encrypt(
    gcm(nonce, bound(head, keys.first, place)),
    await keys.get(keys.first, "encrypt"),
    utf8.encode(body.slice(head.length)),
  );
  const data = new Uint8Array(NONCE_BYTES + cipher.byteLength);
  data.set(nonce);
  data.set(new Uint8Array(cipher), NONCE_BYTES);
  return `${head}${SEAL}${keys.first}","enc":"${writeBase64url(data)}"}`;
}

/** No string of JSON holds the mark: its quotes are escaped there. */
function readable(body: string): string {
  const at = body.indexOf(PRIVATE);
  if (at < 0 && body.startsWith('{"i":')) {
    throw new TypeError("A text to encrypt must not begin with its member 'i'");
  }
  return at < 0 ? body : body.slice(0, at);
}

async function decrypted(
  keys: Keyring,
  { body, keyId, data }: Sealed,
  place: Place,
): Promise<string | undefined> {
  const bytes = readBase64url(data);
  if (bytes === undefined) return undefined;
  const key = await keys.get(keyId, "encrypt");
  try {
    const plain = await crypto.subtle.decrypt(
      gcm(bytes.subarray(0, NONCE_BYTES), bound(body, keyId, place)),
      key,
      bytes.subarray(NONCE_BYTES),
    );
    return `${body}${decoder.decode(plain)}}`;
  } catch {
    return undefined;
  }
}

function gcm(iv: Bytes, additionalData: Bytes): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData, tagLength: 128 };
}

async function hmac(key: CryptoKey, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
}

/** What is authenticated: a text together with its key and its place. */
function bound(text: string, keyId: string, place: Place): Bytes {
  const { part, queue, id } = place;
  return utf8.encode(JSON.stringify([part, queue, id, keyId]) + text);
}
