/** The gateway misbehaves as told: each test shows what the client sees and what Redis did. */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { control } from "../support/gateway/control.ts";
import type { Fault } from "../support/gateway/mod.ts";
import { type Rest, rest } from "../support/gateway/rest.ts";
import { staged } from "../support/gateway/stage.ts";
import { test } from "../support/suite.ts";

const incr = (client: Rest) => client.command("INCR", "n");
const lost = (client: Rest) => assertRejects(() => incr(client));
/** What `incr` has counted, so how often it ran. */
const ran = async (calm: Rest) => Number(await calm.result("GET", "n"));

const STEPS = `
redis.call('SET', KEYS[1], 'one')
redis.call('SET', KEYS[2], 'two')
redis.call('SET', KEYS[3], 'three')
return 'done'`;

test("delay makes a request wait, and only those of its lane", () =>
  staged(async ({ lane, client, calm }) => {
    lane.add({ kind: "delay", ms: 1_500 });
    const started = performance.now();
    const ended: string[] = [];
    const slow = incr(client).then(() => ended.push("this lane"));
    await incr(calm);
    ended.push("the other lane");
    await slow;
    assertEquals(ended, ["the other lane", "this lane"]);
    assertGreaterOrEqual(performance.now() - started, 1_499);
  }));

test("status answers an HTTP error instead of running the command, or after it ran", () =>
  staged(async ({ lane, client, calm }) => {
    for (const status of [500, 503, 429]) {
      lane.add({ kind: "status", status });
      const answer = await incr(client);
      assertEquals(answer.status, status);
      assertMatch(answer.body.error, /^ERR /);
      assertEquals(answer.headers.get("retry-after"), null);
    }
    lane.add({ kind: "status", status: 502 });
    const page = await incr(client);
    assertEquals([page.status, page.headers.get("content-type")], [
      502,
      "text/html",
    ]);
    assertStringIncludes(page.text, "502 Bad Gateway");
    lane.add({ kind: "status", status: 429, retryAfter: 7 });
    assertEquals((await incr(client)).headers.get("retry-after"), "7");
    assertEquals(await ran(calm), 0);
    lane.add({ kind: "status", status: 503, when: "after" });
    assertEquals((await incr(client)).status, 503);
    assertEquals(await ran(calm), 1);
    assertEquals((await incr(client)).body, { result: 2 });
  }));

test("cut ends the connection before the command ran, after it, or in the middle of the answer", () =>
  staged(async ({ lane, client, calm }) => {
    const expected = { before: 0, after: 1, during: 2 } as const;
    for (const when of ["before", "after", "during"] as const) {
      lane.add({ kind: "cut", when });
      await lost(client);
      assertEquals(await ran(calm), expected[when], when);
    }
    assertEquals((await incr(client)).body, { result: 3 });
    assertEquals(lane.report().struck, { cut: 3 });
  }));

test("truncate answers 200 with half of the JSON, after the command ran", () =>
  staged(async ({ lane, client, calm }) => {
    lane.add({ kind: "truncate" });
    const { status, text, body } = await incr(client);
    assertEquals([status, text, body], [200, `{"resu`, undefined]);
    assertEquals(await ran(calm), 1);
  }));

test("late runs a request after others of its lane, though its sender saw the connection end", () =>
  staged(async ({ lane, client, calm }) => {
    lane.add({ kind: "late", after: 2 });
    const sent = assertRejects(() => client.command("SET", "k", "late"));
    await sent;
    assertEquals(await calm.result("GET", "k"), null);
    await client.result("SET", "k", "newer");
    await incr(calm);
    assertEquals(await calm.result("GET", "k"), "newer");
    await incr(client);
    assertEquals(await calm.result("GET", "k"), "late");
    assertEquals(await ran(calm), 2);

    lane.add({ kind: "late" });
    await lost(client);
    for (let i = 0; i < 5; i++) await client.command("PING");
    assertEquals([await ran(calm), lane.report().held], [2, 1]);
    assertEquals(await lane.release(), 1);
    assertEquals([await ran(calm), lane.report().held], [3, 0]);
  }));

test("again runs a request twice: at once, after others, or on release; its answer may be cut as well", () =>
  staged(async ({ lane, client, calm }) => {
    lane.add({ kind: "again", after: 0 });
    assertEquals((await incr(client)).body, { result: 1 });
    assertEquals(await ran(calm), 2);
    lane.add({ kind: "again", after: 1 }, { kind: "cut", when: "after" });
    await lost(client);
    assertEquals(await ran(calm), 3);
    await client.command("PING");
    assertEquals(await ran(calm), 4);
    lane.add({ kind: "again" });
    await incr(client);
    await client.command("PING");
    assertEquals(await ran(calm), 5);
    await lane.release();
    assertEquals(await ran(calm), 6);
  }));

test("match aims at a command name, a script's text or its SHA-1; skip and times count the matching ones", () =>
  staged(async ({ lane, client }) => {
    lane.add({ kind: "status", status: 503, match: "incr", skip: 1, times: 2 });
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) {
      await client.result("PING");
      seen.push((await incr(client)).status);
    }
    assertEquals(seen, [200, 503, 503, 200]);

    const other = "return redis.call('TIME') and 'other'";
    const sha = await client.result("SCRIPT", "LOAD", STEPS) as string;
    for (const match of [sha, "'three'"]) {
      lane.add({ kind: "script", k: 1, error: "ERR struck", match });
      assertEquals(await client.result("EVAL", other, 0), "other");
      await assertRejects(
        () => client.result("EVALSHA", sha, 3, "a", "b", "c"),
        Error,
        "ERR struck",
      );
    }
    lane.add({ kind: "cut", when: "after", match: "'three'" });
    assertEquals(await client.result("EVAL", other, 0), "other");
    await assertRejects(() => client.result("EVALSHA", sha, 3, "a", "b", "c"));
  }));

test("probability strikes by the lane's seed: the same seed, the same requests", () =>
  staged(async ({ gateway }) => {
    const pattern = async (name: string, seed: number) => {
      const lane = gateway.faults(name);
      await lane.obey({
        clear: true,
        seed,
        add: [{ kind: "status", status: 500, probability: 0.5 }],
      });
      const client = rest(gateway.url, gateway.tokenOf(name));
      let seen = "";
      for (let i = 0; i < 64; i++) {
        seen += (await incr(client)).status === 200 ? "." : "x";
      }
      lane.clear();
      return seen;
    };
    const first = await pattern("p", 7);
    assertEquals(await pattern("p", 7), first);
    assert(await pattern("p", 8) !== first);
    const struck = first.replaceAll(".", "").length;
    assert(struck > 16 && struck < 48, first);
  }));

test("control() does all of it over HTTP, for the lane of its token", () =>
  staged(async ({ gateway, lane, client, calm }) => {
    const remote = control(gateway.url, gateway.tokenOf("a"));
    await remote.add({ kind: "late" });
    await lost(client);
    assertEquals((await incr(calm)).status, 200);
    assertEquals((await remote.report()).held, 1);
    assertEquals((await remote.release()).held, 0);
    assertEquals(await ran(calm), 2);
    assertEquals(
      (await remote.set({ clock: { offsetMs: 5 }, log: true })).clock,
      { offsetMs: 5 },
    );
    assertEquals(lane.clock, { offsetMs: 5 });
    const { calls } = await remote.redis({ flush: true, resetStats: true });
    assertEquals([calls.incr, await ran(calm)], [undefined, 0]);
    assertEquals((await remote.clear()).requests, 0);
    const nonsense = [
      { kind: "meteor" },
      { kind: "script", k: 0, error: "x" },
      { kind: "status", status: 200 },
    ];
    for (const fault of nonsense) {
      await assertRejects(() => remote.add(fault as Fault), Error, "ERR ");
    }
    await assertRejects(
      () => control(gateway.url, "wrong").report(),
      Error,
      "WRONGPASS",
    );
  }));

test("cut sends a byte that is no HTTP before it ends, bare not even that", () =>
  staged(async ({ gateway, lane }) => {
    for (const [bare, bytes] of [[false, 1], [true, 0]] as const) {
      lane.add({ kind: "cut", when: "before", bare });
      const { hostname, port } = new URL(gateway.url);
      using connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(
        new TextEncoder().encode(
          `GET /ping HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${
            gateway.tokenOf("a")
          }\r\n\r\n`,
        ),
      );
      let read = 0;
      for await (const chunk of connection.readable) read += chunk.length;
      assertEquals(read, bytes);
    }
  }));
