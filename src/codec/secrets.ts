import { checkKnown } from "../core/check.ts";

const utf8 = new TextEncoder();

const MIN_SECRET_BYTES = 32;

/** Bytes that WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A secret that seals, by the name under which sealed tasks ask for it. */
export interface SealKey {
  /** 1 to 64 of A–Z a–z 0–9 _ . -; it is readable in each sealed task. */
  readonly id: string;
  /** At least 32 bytes of randomness, in any spelling: `openssl rand -base64 32`. A string counts as its UTF-8 bytes. */
  readonly secret: string | Uint8Array;
}

/** How what a queue writes is sealed: who can write to the database, but has none of the keys, can then neither make a task nor change one. */
export interface SealOptions {
  /** The first one seals, every one opens: to rotate, add the new key at the end everywhere, then put it first, then take the old one away when its tasks have ended. */
  readonly keys: readonly SealKey[];
  /** Whether inputs, results, errors and progress are encrypted as well (AES-256-GCM); without it they are signed (HMAC-SHA-256) and readable. Both kinds open whatever this says. @default {false} */
  readonly encrypt?: boolean;
  /** Whether what has no seal opens too: while sealing is introduced, never longer, since anyone who can write to the database can take a seal off. @default {false} */
  readonly acceptUnsealed?: boolean;
}

/** Checked options, with copies of the secrets. */
export interface SealSettings {
  readonly encrypt: boolean;
  readonly acceptUnsealed: boolean;
  /** By the ids of the keys, the one that seals first. */
  readonly secrets: ReadonlyMap<string, Bytes>;
}

/**
 * The options of a seal, checked.
 *
 * @throws {TypeError} If an option is unknown or of another type.
 * @throws {RangeError} If there is no key, an id is malformed or given twice, or a secret has less than 32 bytes.
 */
export function sealSettings(options: SealOptions): SealSettings {
  checkKnown("of 'seal'", options, ["keys", "encrypt", "acceptUnsealed"]);
  const { keys, encrypt = false, acceptUnsealed = false } = options;
  checkBoolean("encrypt", encrypt);
  checkBoolean("acceptUnsealed", acceptUnsealed);
  return { encrypt, acceptUnsealed, secrets: secretsOf(keys) };
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(
    `'${name}' of 'seal' must be true or false, not ${typeof value}`,
  );
}

function secretsOf(keys: readonly SealKey[]): ReadonlyMap<string, Bytes> {
  if (!Array.isArray(keys)) {
    throw new TypeError("'seal' needs 'keys', a list of { id, secret }");
  }
  const secrets = new Map<string, Bytes>();
  for (const key of keys) {
    checkKnown("of a seal key", key, ["id", "secret"]);
    const { id, secret } = key;
    if (typeof id !== "string" || !/^[\w.-]{1,64}$/.test(id)) {
      throw new RangeError(
        "The id of a seal key must be 1 to 64 of A–Z a–z 0–9 _ . -",
      );
    }
    if (secrets.has(id)) {
      throw new RangeError(`The seal key '${id}' is given twice`);
    }
    secrets.set(id, bytesOf(id, secret));
  }
  if (secrets.size === 0) {
    throw new RangeError("'seal' needs at least one key");
  }
  return secrets;
}

function bytesOf(id: string, secret: string | Uint8Array): Bytes {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw new TypeError(
      `The secret of seal key '${id}' must be a string or a Uint8Array, not ${typeof secret}`,
    );
  }
  const bytes = typeof secret === "string"
    ? utf8.encode(secret)
    : new Uint8Array(secret);
  if (bytes.length < MIN_SECRET_BYTES) {
    throw new RangeError(
      `The secret of seal key '${id}' has ${bytes.length} bytes: pass at least ${MIN_SECRET_BYTES} random ones, as from \`openssl rand -base64 32\``,
    );
  }
  return bytes;
}
