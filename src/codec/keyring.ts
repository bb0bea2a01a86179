const utf8 = new TextEncoder();

const MIN_SECRET_BYTES = 32;

/** Bytes that WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A secret that seals, by the name under which sealed texts ask for it. */
export interface SealKey {
  /** 1 to 64 of A–Z a–z 0–9 _ . -; it is readable in each sealed text. */
  readonly id: string;
  /** At least 32 bytes of randomness, in any spelling: `openssl rand -base64 32`. */
  readonly secret: string | Uint8Array;
}

/** What a derived key is for: each purpose has its own. */
export type Purpose = "sign" | "encrypt" | "nonce";

/** The derived keys of the secrets, made at first use. */
export interface Keyring {
  /** The id of the key that seals. */
  readonly first: string;
  /** Whether there is a secret of that id. */
  has(id: string): boolean;
  /** The key of a secret that is there. */
  get(id: string, purpose: Purpose): Promise<CryptoKey>;
}

/**
 * The keys of some secrets.
 *
 * @throws {TypeError} If they are no list, or a secret is of another type.
 * @throws {RangeError} If there is none, an id is malformed or given twice, or a secret has less than 32 bytes.
 */
export function keyring(keys: readonly SealKey[]): Keyring {
  const secrets = secretsOf(keys);
  const derived = new Map<string, CryptoKey>();
  const [first] = secrets.keys();
  return {
    first: first!,
    has: (id) => secrets.has(id),
    async get(id, purpose) {
      const name = `${purpose} ${id}`;
      const known = derived.get(name);
      if (known !== undefined) return known;
      const key = await derive(secrets.get(id)!, purpose);
      derived.set(name, key);
      return key;
    },
  };
}

/** HKDF-SHA-256 with the salt `baton` and the purpose as its info. */
async function derive(secret: Bytes, purpose: Purpose): Promise<CryptoKey> {
  const { subtle } = crypto;
  const bits = await subtle.deriveBits(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: utf8.encode("baton"),
      info: utf8.encode(`baton seal 1 ${purpose}`),
    },
    await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]),
    256,
  );
  return purpose === "encrypt"
    ? await subtle.importKey("raw", bits, "AES-GCM", false, [
      "encrypt",
      "decrypt",
    ])
    : await subtle.importKey(
      "raw",
      bits,
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign", "verify"],
    );
}

function secretsOf(keys: readonly SealKey[]): ReadonlyMap<string, Bytes> {
  if (!Array.isArray(keys)) {
    throw new TypeError("createSeal() needs 'keys', a list of { id, secret }");
  }
  const secrets = new Map<string, Bytes>();
  for (const { id, secret } of keys) {
    if (typeof id !== "string" || !/^[\w.-]{1,64}$/.test(id)) {
      throw new RangeError(
        `The id of a seal key must be 1 to 64 of A–Z a–z 0–9 _ . -: current value is ${
          JSON.stringify(id)
        }`,
      );
    }
    if (secrets.has(id)) {
      throw new RangeError(`The seal key '${id}' is given twice`);
    }
    secrets.set(id, bytesOf(id, secret));
  }
  if (secrets.size === 0) {
    throw new RangeError("createSeal() needs at least one key");
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
