import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { startGateway } from "../support/gateway/mod.ts";
import { rest } from "../support/gateway/rest.ts";
import { Database } from "../support/probe/database.ts";
import { test } from "../support/suite.ts";

const PROBE = new URL("../support/probe.ts", import.meta.url).pathname;

async function probe(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-check", PROBE, ...args],
    env: { UPSTASH_REDIS_REST_URL: "", UPSTASH_REDIS_REST_TOKEN: "", ...env },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  return { code, out: out ?? "", err: err ?? "" };
}

test("probe answers every question on the gateway, says that it is the gateway, and leaves no key", async () => {
  await using gateway = await startGateway();
  const env = {
    UPSTASH_REDIS_REST_URL: gateway.url,
    UPSTASH_REDIS_REST_TOKEN: gateway.token,
  };
  const { code, out } = await probe(["--json", "--destructive"], env);
  const { local, findings } = JSON.parse(out);
  assertEquals(
    findings.filter(({ verdict }: { verdict: string }) =>
      verdict === "different"
    ),
    [],
  );
  assertEquals([code, local, findings.length], [0, true, 16]);
  assertEquals(await rest(gateway.url, gateway.token).result("DBSIZE"), 0);
  const shown = await probe(["--only=TIME"], env);
  assertStringIncludes(shown.out, "This is the local gateway, not Upstash");
  assertStringIncludes(shown.out, "1 as assumed, 0 different");
});

test("probe refuses to start without a database, with a wrong token and with unknown options", async () => {
  await using gateway = await startGateway();
  const none = await probe([], {});
  assertEquals(none.code, 2);
  assertStringIncludes(
    none.err,
    "Set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN",
  );
  const wrong = await probe([], {
    UPSTASH_REDIS_REST_URL: gateway.url,
    UPSTASH_REDIS_REST_TOKEN: "wrong",
  });
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.err, "WRONGPASS");
  assertEquals((await probe(["--nonsense"], {})).code, 2);
});

test("Database sends nothing that touches a key outside the probe's prefix", async () => {
  const database = new Database("http://127.0.0.1:1", "none");
  const foreign = [
    ["GET", "k"],
    ["DEL", database.key("a"), "k"],
    ["EVAL", "return 1", 1, "k"],
    ["MEMORY", "USAGE", "k"],
    ["FLUSHALL"],
    ["SCAN", 0],
  ];
  for (const command of foreign) {
    await assertRejects(() => database.run(...command), TypeError, "The probe");
    await assertRejects(
      () => database.pipeline([command]),
      TypeError,
      "The probe",
    );
  }
});
