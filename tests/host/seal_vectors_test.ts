/**
 * The seal's bytes, made a second time with OpenSSL's command line: HKDF, HMAC
 * and AES are its own. It offers no AES-GCM, so that is put together here from
 * its AES after NIST SP 800-38D, and the multiplication that this takes is
 * held against its GMAC. (Deno's node:crypto would prove nothing: it shares
 * its AES-GCM with Deno's WebCrypto.)
 */
import { assertEquals } from "@std/assert";
import type { Place } from "../../src/codec/seal.ts";
import { sealOf, vector } from "../support/seal_vector.ts";
import { test } from "../support/suite.ts";

const utf8 = new TextEncoder();
const hex = (bytes: Uint8Array): string => bytes.toHex();

/** What OpenSSL writes when it reads `input`. */
async function openssl(
  args: readonly string[],
  input: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const process = new Deno.Command("openssl", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(input);
  await writer.close();
  const { code, stdout, stderr } = await process.output();
  if (code === 0) return stdout;
  throw new Error(
    `openssl ${args[0]} failed (version 3 or later is needed): ${
      new TextDecoder().decode(stderr)
    }`,
  );
}

async function hkdf(secret: Uint8Array, purpose: string): Promise<Uint8Array> {
  return await openssl([
    ...["kdf", "-keylen", "32", "-binary", "-kdfopt", "digest:SHA2-256"],
    ...["-kdfopt", `hexkey:${hex(secret)}`, "-kdfopt", "salt:baton"],
    ...["-kdfopt", `info:baton seal 1 ${purpose}`, "HKDF"],
  ], new Uint8Array());
}

async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const args = ["dgst", "-sha256", "-mac", "HMAC", "-binary"];
  return await openssl(
    [...args, "-macopt", `hexkey:${hex(key)}`],
    utf8.encode(text),
  );
}

/** AES-256 of one block. */
async function block(key: Uint8Array, input: string): Promise<bigint> {
  const args = ["enc", "-aes-256-ecb", "-nopad", "-K", hex(key)];
  return number(await openssl(args, Uint8Array.fromHex(input)));
}

/** AES-256-GCM by SP 800-38D: the text, then its tag. */
async function gcm(
  key: Uint8Array,
  nonce: Uint8Array,
  additional: Uint8Array,
  text: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const counter = (n: number): string => `${hex(nonce)}0000000${n}`;
  const args = ["enc", "-aes-256-ctr", "-K", hex(key), "-iv", counter(2)];
  const cipher = await openssl(args, text);
  const subkey = await block(key, "00".repeat(16));
  const mask = await block(key, counter(1));
  const tag = mask ^ ghash(subkey, additional, cipher);
  return new Uint8Array([...cipher, ...bytesOf(tag)]);
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes)}`);
}

function bytesOf(block: bigint): Uint8Array {
  return Uint8Array.fromHex(block.toString(16).padStart(32, "0"));
}

function ghash(
  subkey: bigint,
  additional: Uint8Array,
  cipher: Uint8Array,
): bigint {
  let hash = 0n;
  for (const part of [additional, cipher]) {
    for (let at = 0; at < part.length; at += 16) {
      const block = new Uint8Array(16);
      block.set(part.subarray(at, at + 16));
      hash = times(hash ^ number(block), subkey);
    }
  }
  const bits = (part: Uint8Array): bigint => BigInt(part.length * 8);
  const lengths = bits(additional) << 64n | bits(cipher);
  return times(hash ^ lengths, subkey);
}

/** The product in GF(2^128), the first bit being the lowest power. */
function times(x: bigint, y: bigint): bigint {
  let product = 0n;
  for (let bit = 127n; bit >= 0n; bit--) {
    if (x >> bit & 1n) product ^= y;
    y = y & 1n ? y >> 1n ^ 0xe1n << 120n : y >> 1n;
  }
  return product;
}

/** What `close` gives by its definition, every primitive being OpenSSL's. */
async function sealedByOpenssl(
  secret: Uint8Array,
  text: string,
  keyId: string,
  { part, queue, id }: Place,
  encrypt: boolean,
): Promise<string> {
  const bound = `["${part}","${queue}","${id}","${keyId}"]`;
  const body = text.slice(0, -1);
  if (!encrypt) {
    const mac = await hmac(await hkdf(secret, "sign"), bound + body);
    return `${body},"k":"${keyId}","sig":"${base64url(mac)}"}`;
  }
  const [head = "", ...rest] = body.split(/(?=,"i":)/);
  const mac = await hmac(await hkdf(secret, "nonce"), bound + body);
  const nonce = mac.subarray(0, 12);
  const cipher = await gcm(
    await hkdf(secret, "encrypt"),
    nonce,
    utf8.encode(bound + head),
    utf8.encode(rest.join("")),
  );
  const data = base64url(new Uint8Array([...nonce, ...cipher]));
  return `${head},"k":"${keyId}","enc":"${data}"}`;
}

function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

test("ghash() agrees with OpenSSL's GMAC", async () => {
  const key = new Uint8Array(32).fill(0xa5);
  const nonce = new Uint8Array(12).fill(0x3c);
  for (const length of [1, 16, 17, 100]) {
    const data = new Uint8Array(length).map((_, i) => i * 7);
    const expected = await openssl([
      ...["mac", "-cipher", "AES-256-GCM", "-binary", "-in", "-"],
      ...["-macopt", `hexkey:${hex(key)}`],
      ...["-macopt", `hexiv:${hex(nonce)}`, "GMAC"],
    ], data);
    assertEquals(
      hex(await gcm(key, nonce, data, new Uint8Array())),
      hex(expected),
    );
  }
});

test("seal.close() writes what OpenSSL's HKDF, HMAC and AES give", async () => {
  const { key, place, text } = vector;
  for (const { encrypt, sealed } of vector.sealed) {
    assertEquals(
      await sealedByOpenssl(key.secret, text, key.id, place, encrypt),
      sealed,
    );
  }
});

test("seal.close() agrees with OpenSSL for other keys, places and texts", async () => {
  const place: Place = { queue: "a.b", id: "ordre/é 7", part: "result" };
  for (const length of [0, 1, 15, 16, 17, 1_000]) {
    const secret = new Uint8Array(32 + length % 40).fill(length);
    const text = `{"v":1,"i":${JSON.stringify("é".repeat(length))}}`;
    for (const encrypt of [false, true]) {
      const seal = sealOf({ keys: [{ id: "2026-08", secret }], encrypt });
      assertEquals(
        await seal.close(text, place),
        await sealedByOpenssl(secret, text, "2026-08", place, encrypt),
        `${length} characters, ${encrypt ? "encrypted" : "signed"}`,
      );
    }
  }
});
