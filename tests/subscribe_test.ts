import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  publish,
  type PublishOptions,
  subscribe,
  type SubscribeOptions,
  SubscriptionError,
} from "../src/upstash/mod.ts";
import { test } from "./support/suite.ts";

/** Listens until something fails, or until the second request, to a server that answers so; says what failed. */
async function listening(answer: () => Response): Promise<readonly unknown[]> {
  const control = new AbortController();
  const failures: unknown[] = [];
  let sent = 0;
  const listen = subscribe({ url: "https://example.com", token: "token" }, {
    fetch() {
      if (++sent === 2) control.abort();
      return Promise.resolve(answer());
    },
  });
  await listen({
    queue: "q",
    signal: control.signal,
    connected() {},
    called() {},
    failed(error) {
      failures.push(error);
      control.abort();
    },
  });
  return failures;
}

test("subscribe() says that an answer is no subscription, and does not ask again at once", async () => {
  for (const body of ["", "<html></html>", "data: message,c,1\n"]) {
    const [error, ...others] = await listening(() => new Response(body));
    assert(error instanceof SubscriptionError, String(error));
    assertEquals(others, []);
  }
});

test("subscribe() takes the end of a subscription for no failure", async () => {
  const body = "data: subscribe,baton:1:q:wake,1\n\n";
  assertEquals(await listening(() => new Response(body)), []);
});

test("publish() and subscribe() refuse options that they do not know", () => {
  const client = { publish: () => Promise.resolve(0) };
  const database = { url: "https://example.com", token: "token" };
  assertThrows(
    () => publish(client, { falback() {} } as PublishOptions),
    TypeError,
    "Unknown option 'falback' of publish()",
  );
  assertThrows(
    () => subscribe(database, { fetcher: fetch } as SubscribeOptions),
    TypeError,
    "Unknown option 'fetcher' of subscribe()",
  );
});
