import type { Bytes } from "./secrets.ts";

const utf8 = new TextEncoder();

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

/** The keys of some secrets, of which there is one at least. */
export function keyring(secrets: ReadonlyMap<string, Bytes>): Keyring {
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
