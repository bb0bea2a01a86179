import { assert, assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import {
  Consumer,
  type ConsumerDrainReport,
  defineTask,
  qstash,
  Queue,
  type QueueOptions,
  ring,
  type WakeHint,
} from "../mod.ts";
import { MemoryBroker } from "../src/broker/memory.ts";
import { RING_AGE_MS, RING_HEADER, signRing } from "../src/codec/ring.ts";
import { writeBase64url } from "../src/codec/base64url.ts";
import { consumer, type ConsumerOptions } from "../src/hono/mod.ts";
import { deploy, ROUTE, SECRET } from "./support/ringing.ts";
import { test } from "./support/suite.ts";

const greet = defineTask<string>("greet");

/** A queue that waits to be rung for, a task in it, and the mark of its ring. */
async function waiting(options: Partial<QueueOptions> = {}) {
  const greeted: string[] = [];
  const hints: WakeHint[] = [];
  const queue = new Queue({
    broker: new MemoryBroker(),
    wake: (hint) => void hints.push(hint),
    handlers: [greet.handle((name) => void greeted.push(name))],
    ...options,
  });
  await queue.enqueue(greet, "a");
  return { queue, greeted, mark: hints[0]!.mark };
}

interface Change {
  readonly secret?: string;
  readonly path?: string;
  readonly queue?: string;
  readonly mark?: string;
  readonly hop?: number;
  readonly ageMs?: number;
  readonly tamper?: (body: string) => string;
  readonly signature?: (signature: string) => string;
}

/** A ring as `ring()` makes it, but for what is changed. */
async function signed(
  mark: string,
  { tamper = (body) => body, signature: sign = (it) => it, ...change }: Change,
): Promise<RequestInit> {
  const { secret = SECRET, path = "/drain", ageMs = 0 } = change;
  const { body, signature } = await signRing(secret, path, {
    queue: change.queue ?? "default",
    mark: change.mark ?? mark,
    hop: change.hop ?? 1,
    at: Date.now() - ageMs,
  });
  return {
    method: "POST",
    body: tamper(body),
    headers: { [RING_HEADER]: sign(signature), prefer: "wait" },
  };
}

test("consumer() drains for a ring that is signed", async () => {
  const { queue, greeted, mark } = await waiting();
  const { fetch } = deploy(queue);
  assertEquals((await fetch(ROUTE, await signed(mark, {}))).status, 200);
  assertEquals(greeted, ["a"]);
});

for (
  const [what, change] of Object.entries<Change>({
    "forged with another secret": { secret: "guessed" },
    "made for another route": { path: "/other" },
    "made for another queue": { queue: "other" },
    "expired": { ageMs: RING_AGE_MS + 5_000 },
    "from the future": { ageMs: -RING_AGE_MS - 5_000 },
    "changed on the way": {
      tamper: (body) => body.replace('"hop":1', '"hop":2'),
    },
    "of an endless chain": { hop: 9 },
    "no ring at all": { mark: "null" },
    "longer than any ring": { tamper: (body) => body + " ".repeat(20_000) },
    "without its version": { signature: (it) => it.slice(3) },
    "cut off": { signature: (it) => it.slice(0, -2) },
    "empty": { signature: () => "" },
  })
) {
  test(`consumer() answers 401 to a ring that is ${what}`, async () => {
    const { queue, greeted, mark } = await waiting();
    const { fetch } = deploy(queue);
    const response = await fetch(ROUTE, await signed(mark, change));
    assertEquals(response.status, 401);
    await response.body?.cancel();
    assertEquals(greeted, []);
  });
}

test("consumer() answers 409 to a ring that is replayed, and runs nothing for it", async () => {
  const { queue, greeted, mark } = await waiting();
  const { fetch } = deploy(queue);
  const init = await signed(mark, {});
  assertEquals((await fetch(ROUTE, init)).status, 200);
  await queue.enqueue(greet, "b", { delayMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (let i = 0; i < 3; i++) {
    assertEquals((await fetch(ROUTE, init)).status, 409);
  }
  assertEquals(greeted, ["a"]);
});

test("consumer() of several queues drains for a ring the one that it names, and all for the secret", async () => {
  const mail = await waiting({ name: "mail" });
  const images = await waiting({ name: "images" });
  const several = new Consumer({
    queues: [{ queue: mail.queue }, { queue: images.queue }],
  });
  const app = new Hono();
  app.post("/drain", consumer(several, { secret: SECRET }));
  const call = (request: RequestInit) => app.request("/drain", request);
  const rung = (queue: string) =>
    signed(images.mark, { queue }).then((request) => call(request));

  assertEquals((await rung("others")).status, 401);
  assertEquals([mail.greeted, images.greeted], [[], []]);
  const { queue, completed } = await (await rung("images")).json();
  assertEquals([queue, completed], [undefined, 1]);
  assertEquals([mail.greeted, images.greeted], [[], ["a"]]);
  assertEquals((await rung("images")).status, 409);

  await images.queue.enqueue(greet, "b");
  const response = await call({
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}` },
  });
  const { queues } = await response.json() as ConsumerDrainReport;
  assertEquals(
    queues.map(({ queue, completed }) => [queue, completed]),
    [["mail", 1], ["images", 1]],
  );
});

test("consumer() lets the bare secret in as before, and nothing else", async () => {
  const { queue, greeted } = await waiting();
  const { fetch } = deploy(queue, { lingerMs: 0 });
  const ask = (authorization: string) =>
    fetch(ROUTE, { method: "POST", headers: { authorization } });
  assertEquals((await ask("Bearer wrong")).status, 401);
  assertEquals((await ask(`Bearer ${SECRET}`)).status, 200);
  assertEquals(greeted, ["a"]);
});

const KEYS = { currentSigningKey: "sig_current", nextSigningKey: "sig_next" };

interface Delivery {
  readonly key?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly body?: string;
}

/** A delivery as QStash documents it: a JWT by HS256 over issuer, URL, times and the body's hash. */
async function delivered(
  body: string,
  { key = KEYS.currentSigningKey, claims = {}, header = {}, ...sent }: Delivery,
): Promise<RequestInit> {
  const seconds = Math.floor(Date.now() / 1_000);
  const hash = await crypto.subtle.digest("SHA-256", utf8.encode(body));
  const text = [
    { alg: "HS256", typ: "JWT", ...header },
    {
      iss: "Upstash",
      sub: ROUTE,
      exp: seconds + 300,
      nbf: seconds,
      iat: seconds,
      jti: "jwt_1",
      body: `${writeBase64url(new Uint8Array(hash))}=`,
      ...claims,
    },
  ].map((part) => writeBase64url(utf8.encode(JSON.stringify(part)))).join(".");
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey(
    "raw",
    utf8.encode(key),
    hmac,
    false,
    ["sign"],
  );
  const mac = await crypto.subtle.sign("HMAC", secret, utf8.encode(text));
  const signature = `${text}.${writeBase64url(new Uint8Array(mac))}`;
  return {
    method: "POST",
    body: sent.body ?? body,
    headers: { "upstash-signature": signature },
  };
}

const utf8 = new TextEncoder();

for (const [name, key] of Object.entries(KEYS)) {
  test(`consumer() drains for a delivery of QStash that is signed with the ${name}`, async () => {
    const { queue, greeted } = await waiting();
    const { fetch } = deploy(queue, { qstash: KEYS, lingerMs: 0 });
    const response = await fetch(ROUTE, await delivered("", { key }));
    assertEquals(response.status, 200);
    assertEquals(greeted, ["a"]);
  });
}

for (
  const [what, change] of Object.entries<Delivery>({
    "forged with another key": { key: "sig_guessed" },
    "of another issuer": { claims: { iss: "Somebody" } },
    "for another URL": { claims: { sub: "https://tasks.test/other" } },
    "expired": { claims: { exp: 1_763_800_000 } },
    "not valid yet": { claims: { nbf: 4_000_000_000 } },
    "without an expiry": { claims: { exp: undefined } },
    "of another body": { body: "changed" },
    "without an algorithm": { header: { alg: "none" } },
    "of another algorithm": { header: { alg: "HS512" } },
  })
) {
  test(`consumer() answers 401 to a delivery of QStash that is ${what}`, async () => {
    const { queue, greeted } = await waiting();
    const { fetch } = deploy(queue, { qstash: KEYS });
    const response = await fetch(ROUTE, await delivered("", change));
    assertEquals(response.status, 401);
    await response.body?.cancel();
    assertEquals(greeted, []);
  });
}

test("consumer() with QStash's keys only lets nobody else in", async () => {
  const { queue, greeted } = await waiting();
  const app = new Hono();
  app.post("/drain", consumer(queue, { qstash: KEYS }));
  assertEquals((await app.request(ROUTE, { method: "POST" })).status, 401);
  const { url: _, ...init } = { url: ROUTE, ...await delivered("", {}) };
  assertEquals((await app.request(ROUTE, init)).status, 200);
  assertEquals(greeted, ["a"]);
});

test("consumer() takes QStash's word for the route's URL behind a proxy", async () => {
  const { queue } = await waiting();
  const url = "https://public.test/drain";
  const { fetch } = deploy(queue, { qstash: { ...KEYS, url }, lingerMs: 0 });
  const init = await delivered("", { claims: { sub: url } });
  assertEquals((await fetch(ROUTE, init)).status, 200);
});

test("qstash() publishes a ring that consumer() takes, once", async () => {
  const hints: WakeHint[] = [];
  const greeted: string[] = [];
  const sent: Request[] = [];
  const queue = new Queue({
    broker: new MemoryBroker(),
    handlers: [greet.handle((name) => void greeted.push(name))],
    wake: (hint) => void hints.push(hint),
  });
  await queue.enqueue(greet, "a");
  const wake = qstash({
    token: "qstash-token",
    destination: ROUTE,
    retries: 2,
    fetch(input, init) {
      sent.push(new Request(input, init));
      return Promise.resolve(Response.json({ messageId: "msg_1" }));
    },
  });
  await wake(hints[0]!);
  const [request] = sent as [Request];
  assertEquals(request.url, `https://qstash.upstash.io/v2/publish/${ROUTE}`);
  assertEquals(request.headers.get("authorization"), "Bearer qstash-token");
  assertEquals(request.headers.get("upstash-retries"), "2");
  assertEquals(
    request.headers.get("upstash-deduplication-id"),
    `baton-default-${hints[0]!.mark}`,
  );
  const { fetch } = deploy(queue, { qstash: KEYS, lingerMs: 0 });
  const init = await delivered(await request.text(), {});
  assertEquals((await fetch(ROUTE, init)).status, 200);
  assertEquals(greeted, ["a"]);
  const again = await fetch(ROUTE, init);
  // another status, and QStash would send it again
  assertEquals(again.status, 200);
  assertEquals((await again.json()).stoppedBy, "answered");
});

test("consumer() and qstash() refuse keys and tokens that are missing", async () => {
  const { queue } = await waiting();
  for (
    const keys of [
      { ...KEYS, nextSigningKey: "" },
      { currentSigningKey: "a" },
    ]
  ) {
    assertThrows(
      () => consumer(queue, { qstash: keys } as ConsumerOptions),
      TypeError,
    );
  }
  assertThrows(() => qstash({ token: "", destination: ROUTE }), TypeError);
  assertThrows(() => qstash({ token: "t", destination: "x" }), TypeError);
});

test("a ring tells nobody the secret", async () => {
  const { queue, mark } = await waiting();
  const there = deploy(queue);
  const wake = ring({ url: ROUTE, secret: SECRET, fetch: there.fetch });
  await wake({ queue: "default", mark, hop: 1, from: "producer" } as WakeHint);
  await there.background();
  const [{ request }] = there.heard as [typeof there.heard[0]];
  const told = [await request.text(), ...request.headers].join(" ");
  assert(!told.includes(SECRET));
});
