import type { QStashKeys } from "./hearing.ts";

const utf8 = new TextEncoder();

/**
 * Refuses a secret that cannot guard a route: an empty one, as a missing variable leaves it, would let everybody in,
 * and one that does not arrive as it was sent, nobody.
 *
 * @throws {TypeError} If it is no text, or holds anything but visible ASCII characters.
 */
export function checkSecret(secret: unknown): asserts secret is string {
  if (typeof secret !== "string" || secret === "") {
    throw new TypeError(
      "consumer() has an empty secret, or none: set the variable that holds it, or leave the option out",
    );
  }
  if (/[^\x21-\x7e]/.test(secret)) {
    throw new TypeError(
      "consumer() has a secret that a header cannot carry: use visible ASCII characters only, without spaces or line breaks",
    );
  }
}

/**
 * Refuses keys with which nothing can be checked.
 *
 * @throws {TypeError} If one is missing or empty.
 */
export function checkKeys(keys: unknown): asserts keys is QStashKeys {
  const { currentSigningKey, nextSigningKey } = Object(keys);
  for (const key of [currentSigningKey, nextSigningKey]) {
    if (typeof key === "string" && key !== "") continue;
    throw new TypeError(
      "consumer() lacks a signing key of QStash: set the variable that holds it, or leave the option out",
    );
  }
}

/**
 * Whether an `Authorization` header holds the secret; what the comparison takes tells nothing of how near it was.
 *
 * @throws {TypeError} As {@link checkSecret}.
 */
export async function bearerIs(
  secret: string,
  header: string | undefined,
): Promise<boolean> {
  checkSecret(secret);
  const [, given = ""] = /^Bearer +(\S+)$/i.exec(header ?? "") ?? [];
  const [a, b] = await Promise.all([digest(secret), digest(given)]);
  let difference = 0;
  a.forEach((byte, i) => difference |= byte ^ (b[i] ?? 0));
  return difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(
    await crypto.subtle.digest("SHA-256", utf8.encode(text)),
  );
}
