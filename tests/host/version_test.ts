import { assertEquals } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { SDK_VERSION } from "../../src/otlp/resource.ts";
import { VERSION } from "../../src/queue/trace/conventions.ts";
import { test } from "../support/suite.ts";

test("VERSION and SDK_VERSION are the package's", () => {
  const { version } = manifest;
  assertEquals([VERSION, SDK_VERSION], [version, version]);
});
