import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { readBase64url, writeBase64url } from "../src/codec/base64url.ts";
import { writeEnvelope } from "../src/codec/envelope.ts";
import { readEnvelope } from "../src/codec/opened.ts";
import type { Place, Verdict } from "../src/codec/seal.ts";
import {
  type SealKey,
  type SealOptions,
  sealSettings,
} from "../src/codec/secrets.ts";
import { fixed } from "../src/core/backoff.ts";
import { sealOf, vector } from "./support/seal_vector.ts";
import { test } from "./support/suite.ts";

const old: SealKey = { id: "2025", secret: "an old secret of thirty-two byte" };
const fresh: SealKey = { id: "2026", secret: new Uint8Array(32).fill(7) };
const place: Place = { queue: "images", id: "~1abc", part: "envelope" };
const kinds = [{ encrypt: false }, { encrypt: true }] as const;

/** An envelope with something in each of its members, and no ASCII only. */
function envelope(input: string | undefined): string {
  return writeEnvelope({
    name: "resize",
    maxAttempts: 5,
    backoff: fixed(1_000),
    timeoutMs: 30_000,
    resultTtlMs: 0,
    expiresInMs: undefined,
    label: 'é","i":',
    dedupe: { key: "k", until: "ended" },
    carrier: {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-01",
      baggage: "a=b",
    },
    depth: 2,
    batched: true,
  }, input);
}

const plain = envelope('{"url":"https://example.com/é","k":"2026"}');

test("seal.open() gives what seal.close() was given, for every kind of input", async () => {
  const big = JSON.stringify("x€".repeat(65_536));
  assert(new TextEncoder().encode(big).length >= 256 * 1_024);
  for (const options of kinds) {
    const seal = sealOf({ keys: [fresh], ...options });
    for (
      const input of [undefined, "null", '""', "{}", '"\\",\\"k\\":\\"x"', big]
    ) {
      const text = envelope(input);
      const sealed = await seal.close(text, place);
      assertNotEquals(sealed, text);
      assert(!sealed.includes("\n"), "it is one line");
      assertEquals(readEnvelope(sealed), { kind: "sealed", keyId: "2026" });
      assertEquals(await seal.open(sealed, place), { kind: "open", text });
    }
  }
});

test("seal.close() leaves the carrier and the name readable, and hides the input only when it encrypts", async () => {
  for (const options of kinds) {
    const seal = sealOf({ keys: [fresh], ...options });
    const sealed = await seal.close(plain, place);
    const { k, sig, enc, i, ...head } = JSON.parse(sealed);
    const { i: input, k: _, ...unsealed } = JSON.parse(plain);
    assertEquals(head, unsealed);
    assertEquals(k, "2026");
    assertEquals(i, options.encrypt ? undefined : input);
    assertEquals(sig === undefined, enc !== undefined);
    assertEquals(sealed.includes("example.com"), !options.encrypt);
  }
});

test("seal.close() gives the same text for the same text and place, and no other place's", async () => {
  for (const options of kinds) {
    const [one, two] = [
      sealOf({ keys: [fresh], ...options }),
      sealOf({ keys: [fresh, old], ...options }),
    ];
    const sealed = await one.close(plain, place);
    assertEquals(await one.close(plain, place), sealed);
    assertEquals(await two.close(plain, place), sealed);
    const elsewhere = await one.close(plain, { ...place, id: "~1abd" });
    const seal = (text: string) =>
      text.slice(text.lastIndexOf(',"k":"') + 19, -2);
    assertNotEquals(seal(elsewhere).slice(0, 16), seal(sealed).slice(0, 16));
  }
});

test("seal.close() writes these very bytes, which tests/host/seal_vectors_test.ts derives with OpenSSL", async () => {
  for (const { encrypt, sealed } of vector.sealed) {
    const seal = sealOf({ keys: [vector.key], encrypt });
    assertEquals(await seal.close(vector.text, vector.place), sealed);
    const opened = await seal.open(sealed, vector.place);
    assertEquals(opened, { kind: "open", text: vector.text });
  }
});

test("seal.open() refuses a sealed envelope with any byte changed, added or taken away", async () => {
  const utf8 = new TextEncoder(), decoder = new TextDecoder();
  for (const options of kinds) {
    const seal = sealOf({ keys: [fresh, old], ...options });
    const bytes = utf8.encode(await seal.close(plain, place));
    const refuses = async (changed: Uint8Array, at: number): Promise<void> => {
      const { kind } = await seal.open(decoder.decode(changed), place);
      assertNotEquals(kind, "open", `byte ${at}`);
    };
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 2, 4, 8, 16, 32, 64, 128]) {
        await refuses(bytes.with(at, bytes[at]! ^ flip), at);
      }
      await refuses(bytes.filter((_, i) => i !== at), at);
      const more = new Uint8Array(bytes.length + 1);
      more.set(bytes.subarray(0, at));
      more[at] = 0x20;
      more.set(bytes.subarray(at), at + 1);
      await refuses(more, at);
    }
    assertEquals((await seal.open(decoder.decode(bytes), place)).kind, "open");
  }
});

test("seal.open() says why it refuses, and nothing of the content", async () => {
  for (const options of kinds) {
    const seal = sealOf({ keys: [fresh], ...options });
    const sealed = await seal.close(plain, place);
    const unfit: Verdict = {
      kind: "tampered",
      reason: "its seal does not fit its content, its task or its queue",
    };
    assertEquals(
      await seal.open(sealed.replace("resize", "delete"), place),
      unfit,
    );
    for (
      const elsewhere of [
        { ...place, queue: "image" },
        { ...place, id: "~1abd" },
        { ...place, id: '~1abc","2026' },
        { ...place, part: "result" },
      ] as const
    ) assertEquals(await seal.open(sealed, elsewhere), unfit);
    const tail = sealed.lastIndexOf(',"k":"');
    for (const data of ["", "A", "AA", "AAAA", "!", "A".repeat(38)]) {
      const kind = options.encrypt ? "enc" : "sig";
      const text = `${sealed.slice(0, tail)},"k":"2026","${kind}":"${data}"}`;
      assertEquals((await seal.open(text, place)).kind, "tampered", data);
    }
  }
});

test("seal.open() refuses half a character, which UTF-8 writes as another one", async () => {
  const seal = sealOf({ keys: [fresh] });
  const sealed = await seal.close(envelope('"\ufffd"'), place);
  const changed = sealed.replace("\ufffd", "\ud800");
  assertEquals((await seal.open(sealed, place)).kind, "open");
  assertEquals((await seal.open(changed, place)).kind, "tampered");
});

test("seal.open() takes no seal of one kind for the other, and none of another key", async () => {
  const [signs, encrypts] = kinds.map((kind) =>
    sealOf({ keys: [fresh, old], ...kind })
  );
  const signed = await signs!.close(plain, place);
  const encrypted = await encrypts!.close(plain, place);
  assertEquals((await encrypts!.open(signed, place)).kind, "open");
  assertEquals((await signs!.open(encrypted, place)).kind, "open");
  for (const sealed of [signed, encrypted]) {
    const crossed = [
      sealed.replace(
        /"(sig|enc)":"([\w-]+)"\}$/,
        (_, kind, data) => `"${kind === "sig" ? "enc" : "sig"}":"${data}"}`,
      ),
      sealed.replace(',"k":"2026",', ',"k":"2025",'),
    ];
    for (const text of crossed) {
      assertNotEquals(text, sealed);
      assertEquals((await signs!.open(text, place)).kind, "tampered");
    }
  }
});

test("seal.open() refuses what is not sealed, unless it is told to accept it", async () => {
  const unsealed: Verdict = { kind: "tampered", reason: "it is not sealed" };
  const seal = sealOf({ keys: [fresh] });
  for (const text of [plain, envelope(undefined), "", "}", "not JSON"]) {
    assertEquals(await seal.open(text, place), unsealed, text);
  }
  const lenient = sealOf({ keys: [fresh], acceptUnsealed: true });
  assertEquals(await lenient.open(plain, place), { kind: "open", text: plain });
  const sealed = await seal.close(plain, place);
  const changed = sealed.replace("resize", "delete");
  assertEquals((await lenient.open(changed, place)).kind, "tampered");
});

test("seal.open() names a key that it has not, so that a rotation loses nothing in either order of deployment", async () => {
  for (const options of kinds) {
    const [before, during, after] = [[old], [fresh, old], [fresh]]
      .map((keys) => sealOf({ keys, ...options }));
    const opens: Verdict = { kind: "open", text: plain };
    const sealedBefore = await before!.close(plain, place);
    const sealedDuring = await during!.close(plain, place);

    // Consumers first: they open what both producers seal.
    assertEquals(await during!.open(sealedBefore, place), opens);
    assertEquals(await during!.open(sealedDuring, place), opens);

    // Producers first: the task is put back for a consumer that has the key.
    const unknown: Verdict = { kind: "unknownKey", keyId: "2026" };
    assertEquals(await before!.open(sealedDuring, place), unknown);
    assertEquals(readEnvelope(sealedDuring), { kind: "sealed", keyId: "2026" });
    assertEquals(await during!.open(sealedDuring, place), opens);

    // The old key is gone.
    assertEquals(await after!.open(sealedDuring, place), opens);
    const gone: Verdict = { kind: "unknownKey", keyId: "2025" };
    assertEquals(await after!.open(sealedBefore, place), gone);
  }
});

test("seal.close() refuses to encrypt a text that begins with its input, which would stay readable", async () => {
  const seal = sealOf({ keys: [fresh], encrypt: true });
  const error = await assertRejects(
    () => seal.close('{"i":"secret"}', place),
    TypeError,
  );
  assert(!error.message.includes("secret"));
});

test("createSeal() can be called many times at once before its keys are derived", async () => {
  const seal = sealOf({ keys: [fresh], encrypt: true });
  const places = Array.from(
    { length: 50 },
    (_, i) => ({ ...place, id: `${i}` }),
  );
  const sealed = await Promise.all(places.map((at) => seal.close(plain, at)));
  assertEquals(new Set(sealed).size, 50);
  for (const [i, text] of sealed.entries()) {
    assertEquals((await seal.open(text, places[i]!)).kind, "open");
  }
});

test("createSeal() keeps its own copy of a secret, and tells it to nobody", async () => {
  const secret = new Uint8Array(32).fill(7);
  const seal = sealOf({ keys: [{ id: "2026", secret }] });
  secret.fill(0);
  const sealed = await seal.close(plain, place);
  assertEquals(
    (await sealOf({ keys: [fresh] }).open(sealed, place)).kind,
    "open",
  );
  assertEquals(JSON.stringify(seal), "{}");
});

test("sealSettings() says what is wrong with its options, without a secret", () => {
  const key = (part: Partial<SealKey>): SealOptions => ({
    keys: [{ ...fresh, ...part }],
  });
  for (
    const [options, error, words] of [
      [undefined, TypeError, "must be an object"],
      [{}, TypeError, "needs 'keys'"],
      [{ keys: [fresh], cipher: "des" }, TypeError, "Unknown option 'cipher'"],
      [{ keys: [] }, RangeError, "at least one key"],
      [{ keys: [fresh, fresh] }, RangeError, "'2026' is given twice"],
      [key({ id: "" }), RangeError, "1 to 64 of"],
      [key({ id: 'a"b' }), RangeError, "1 to 64 of"],
      [key({ secret: "too short, ßo" }), RangeError, "'2026' has 14 bytes"],
      [key({ secret: new Uint8Array(31) }), RangeError, "at least 32"],
      [key({ secret: 7 as unknown as string }), TypeError, "not number"],
    ] as const
  ) {
    const thrown = assertThrows(
      () => sealSettings(options as unknown as SealOptions),
      error,
      words,
    );
    assert(!thrown.message.includes("too short"));
  }
});

test("readBase64url() reads what writeBase64url() wrote, and no other spelling of it", () => {
  for (const length of [0, 1, 2, 3, 4, 100_000]) {
    const bytes = new Uint8Array(length).map((_, i) => i * 251 + 249);
    const text = writeBase64url(bytes);
    assertEquals(readBase64url(text), bytes);
    assertEquals(text.length, Math.ceil(length * 4 / 3));
  }
  assertEquals(writeBase64url(new Uint8Array([251, 255])), "-_8");
  for (const other of ["-_9", "-_8=", "+/8", "-_ 8", "A", "AB", "-_8\n"]) {
    assertEquals(readBase64url(other), undefined, other);
  }
});
