import { assertEquals } from "@std/assert";
import { knownMethod, methodAttributes } from "../src/http/methods.ts";
import { redact, serverAttributes } from "../src/http/url.ts";
import { test } from "./support/suite.ts";

const A = "https://shop.example/a";

test("redact() tells a URL without what is secret in it", () => {
  const cases: readonly (readonly [string, string])[] = [
    [A, A],
    [`${A}?page=2&q=%20x+y`, `${A}?page=2&q=%20x+y`],
    ["https://shop.example", "https://shop.example/"],
    // the fragment is not sent, and may hold a token
    [`${A}#access_token=s3cret`, A],
    // credentials
    [
      "https://me:s3cret@shop.example/",
      "https://REDACTED:REDACTED@shop.example/",
    ],
    ["https://me@shop.example/", "https://REDACTED:REDACTED@shop.example/"],
    [
      "https://:s3cret@shop.example/",
      "https://REDACTED:REDACTED@shop.example/",
    ],
    // the seven of the conventions
    [`${A}?X-Amz-Signature=s3cret`, `${A}?X-Amz-Signature=REDACTED`],
    [`${A}?X-Amz-Credential=s3cret`, `${A}?X-Amz-Credential=REDACTED`],
    [`${A}?X-Amz-Security-Token=s3cret`, `${A}?X-Amz-Security-Token=REDACTED`],
    [`${A}?AWSAccessKeyId=s3cret`, `${A}?AWSAccessKeyId=REDACTED`],
    [`${A}?Signature=s3cret`, `${A}?Signature=REDACTED`],
    [`${A}?sig=s3cret`, `${A}?sig=REDACTED`],
    [`${A}?X-Goog-Signature=s3cret`, `${A}?X-Goog-Signature=REDACTED`],
    // of other vendors
    [`${A}?x-oss-signature=s3cret`, `${A}?x-oss-signature=REDACTED`],
    // however they are written
    [`${A}?a=1&SIG=s3cret&b=2`, `${A}?a=1&SIG=REDACTED&b=2`],
    [`${A}?%73ig=s3cret`, `${A}?sig=REDACTED`],
    [`${A}?sig=s3cret&x=1&sig=s3cret`, `${A}?sig=REDACTED&x=1`],
    // and nothing that only looks like them
    [`${A}?design=1&signatures=2&sig2=3`, `${A}?design=1&signatures=2&sig2=3`],
  ];
  for (const [url, told] of cases) {
    const given = new URL(url);
    assertEquals(redact(given), told);
    assertEquals(given.href, new URL(url).href, "the URL itself is left alone");
  }
});

test("redact() tells no more than 1,024 characters", () => {
  const told = redact(new URL(`${A}?q=${"x".repeat(5_000)}`));
  assertEquals([told.length, told.startsWith(`${A}?q=xxx`)], [1_024, true]);
});

test("serverAttributes() names the host and the port that is meant", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["https://shop.example/", "shop.example", 443],
    ["http://shop.example/", "shop.example", 80],
    ["https://shop.example:80/", "shop.example", 80],
    ["http://127.0.0.1:8080/", "127.0.0.1", 8080],
    ["http://[::1]:8080/", "::1", 8080],
    ["https://SHOP.example./", "shop.example.", 443],
  ];
  for (const [url, address, port] of cases) {
    assertEquals(serverAttributes(new URL(url)), {
      "server.address": address,
      "server.port": port,
    });
  }
});

test("methodAttributes() spells a method as the conventions do, and keeps what was written", () => {
  const known = "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE";
  for (const method of known.split(" ")) {
    assertEquals(knownMethod(method), method);
    assertEquals(methodAttributes(method), { "http.request.method": method });
  }
  const cases: readonly (readonly [string, string, string])[] = [
    ["patch", "PATCH", "patch"],
    ["Get", "GET", "Get"],
    ["PURGE", "_OTHER", "PURGE"],
    ["GETS", "_OTHER", "GETS"],
    ["_OTHER", "_OTHER", "_OTHER"],
    ["X".repeat(2_000), "_OTHER", "X".repeat(1_024)],
  ];
  for (const [method, told, original] of cases) {
    const attributes = methodAttributes(method);
    assertEquals(attributes["http.request.method"], told);
    assertEquals(
      attributes["http.request.method_original"] ?? method,
      original,
    );
  }
});
