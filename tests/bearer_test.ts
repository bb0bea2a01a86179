import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { bearerIs, checkSecret } from "../src/hono/bearer.ts";
import { test } from "./support/suite.ts";

test("checkSecret() refuses what is empty or cannot arrive, without repeating it", () => {
  for (const empty of [undefined, null, 7, ""]) {
    assertThrows(() => checkSecret(empty), TypeError, "empty secret");
  }
  for (const secret of [" ", "pass phrase", "pass\tphrase", "phrase\n", "é"]) {
    const error = assertThrows(() => checkSecret(secret), TypeError);
    assert(error.message.includes("a header cannot carry"));
    assertFalse(error.message.includes("phrase"));
  }
});

test("checkSecret() takes every secret that bearerIs() can find in a header", async () => {
  const visible = Array.from(
    { length: 0x7f - 0x21 },
    (_, i) => String.fromCharCode(0x21 + i),
  ).join("");
  checkSecret(visible);
  const { headers } = new Request("https://shop.example", {
    headers: { authorization: `Bearer ${visible}` },
  });
  const header = headers.get("authorization") ?? undefined;
  assertEquals(await bearerIs(visible, header), true);
});

test("bearerIs() never compares with a secret that cannot guard a route", async () => {
  for (const secret of ["", "pass phrase"]) {
    for (const header of [undefined, "Bearer ", `Bearer ${secret}`]) {
      await assertRejects(() => bearerIs(secret, header), TypeError, "secret");
    }
  }
});
