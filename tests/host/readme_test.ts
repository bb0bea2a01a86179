/**
 * Every program in the README runs: to its end, or, where it serves, until it has answered.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { serveCollector } from "../support/collector_server.ts";
import { addressOf, start } from "../support/example.ts";
import { startGateway } from "../support/gateway/mod.ts";
import { bundled, generate, root } from "../support/offline.ts";
import { run } from "../support/process.ts";
import { test } from "../support/suite.ts";

interface Program {
  /** The heading above it, and which of those below it. */
  readonly name: string;
  readonly text: string;
}

/** The README's `ts` blocks. */
function programs(): readonly Program[] {
  const readme = Deno.readTextFileSync(new URL("README.md", root));
  const found: Program[] = [];
  let heading = "";
  const parts = /^#+ (.*)$|^```(\w*)\n([^]*?)^```$/gm;
  for (const [, title, language, text = ""] of readme.matchAll(parts)) {
    if (title !== undefined) heading = title;
    else if (language === "ts") {
      const count = found.filter(({ name }) => name.startsWith(heading)).length;
      found.push({ name: `${heading}${count ? ` ${count + 1}` : ""}`, text });
    }
  }
  return found;
}

const all = programs();

for (const { name, text } of all) {
  const isServer = text.includes("Deno.serve(");
  test(`README, ${name}: the program ${isServer ? "serves" : "runs"}`, async () => {
    await using gateway = await startGateway();
    await using received = serveCollector();
    const file = generate(
      `readme_${all.findIndex((one) => one.name === name)}.ts`,
      text,
    );
    const args = ["run", "-A", "--unstable-cron", bundled(), file];
    const env = {
      UPSTASH_REDIS_REST_URL: gateway.url,
      UPSTASH_REDIS_REST_TOKEN: gateway.token,
      OTEL_EXPORTER_OTLP_ENDPOINT: received.endpoint,
      DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0",
      RING_SECRET: "a-secret-that-is-long-enough",
      SEAL_SECRET: btoa("a secret of 32 bytes for testing"),
    };
    if (!isServer) {
      const { code, text } = await run(Deno.execPath(), args, {
        cwd: root,
        env,
        silenceMs: 120_000,
      });
      assertEquals(code, 0, text);
      return;
    }
    await using server = start(Deno.execPath(), args, env);
    const response = await fetch(`${await addressOf(server)}/signup`, {
      method: "POST",
      body: JSON.stringify({ email: "ada@example.com" }),
    });
    assertEquals(response.status, 202, await response.text());
    await received.collector.waitFor(({ spans }) => spans.length > 0);
  });
}

test("README: there are programs in it", () => assert(all.length > 10));
