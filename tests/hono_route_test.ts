import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { tracing } from "../src/hono/mod.ts";
import { tracedApp } from "./support/app.ts";
import { test } from "./support/suite.ts";

interface RouteCase {
  readonly asked: string;
  readonly status: number;
  /** The pattern that it is named by. */
  readonly route?: string;
}

const routes: readonly RouteCase[] = [
  { asked: "GET /", status: 200, route: "/" },
  { asked: "GET /api/v1/items/5", status: 200, route: "/api/v1/items/:id" },
  { asked: "HEAD /api/v1/items/5", status: 200, route: "/api/v1/items/:id" },
  { asked: "POST /api/v1/items/5", status: 404 },
  // a middleware answered before the handler
  { asked: "GET /api/v1/closed", status: 401, route: "/api/v1/closed" },
  // a handler for all methods
  { asked: "POST /api/v1/any", status: 200, route: "/api/v1/any" },
  // a middleware that is registered after the handler
  { asked: "GET /api/v1/after", status: 200, route: "/api/v1/after" },
  // only middleware matched
  { asked: "GET /api/v1/nothing", status: 404 },
  { asked: "GET /elsewhere", status: 404 },
  // the first handler that matched hands on to the second
  { asked: "GET /fallback/x", status: 200, route: "/fallback/*" },
  // a handler that could hand on, and does not
  { asked: "GET /two/1", status: 200, route: "/two/:id" },
  // an app with an onError of its own wraps its handlers
  { asked: "POST /guarded/any", status: 200, route: "/guarded/any" },
  { asked: "GET /guarded/deep/any", status: 200, route: "/guarded/deep/any" },
  {
    asked: "GET /guarded/deep/fails",
    status: 418,
    route: "/guarded/deep/fails",
  },
  { asked: "GET /guarded/nothing", status: 404 },
  // parameters in the path of an app, and patterns in parameters
  { asked: "GET /acme/users/7", status: 200, route: "/:org/users/:id{[0-9]+}" },
  { asked: "GET /acme/users/me", status: 404 },
  { asked: "GET /based/on/this", status: 200, route: "/based/on/:what" },
  { asked: "GET /files/a/b/c", status: 200, route: "/files/*" },
  { asked: "OPTIONS /files/a", status: 404 },
];

for (const { asked, status, route } of routes) {
  const [method = "", path = ""] = asked.split(" ");
  const name = route === undefined ? method : `${method} ${route}`;
  test(`tracing() says "${name}" of ${asked}`, async () => {
    const { app, ask, span } = tracedApp();
    build(app as unknown as Hono);
    const response = await ask(path, { method });
    const received = span();
    assertEquals(response.status, status);
    assertEquals(received.name, name);
    assertEquals(received.attributes["http.route"], route);
    assertEquals(received.attributes["http.response.status_code"], status);
    assertEquals(received.status.code, "UNSET");
  });
}

/** Everything that Hono nests. */
function build(app: Hono): void {
  const items = new Hono();
  items.get("/:id", (c) => c.text("item"));

  const api = new Hono();
  api.use("/closed", async (c, next) => {
    await Promise.resolve();
    if (c.req.header("authorization") !== "yes") return c.text("no", 401);
    return await next();
  });
  api.get("/closed", (c) => c.text("in"));
  api.all("/any", (c) => c.text("any"));
  api.get("/after", (c) => c.text("after"));
  api.use(async (_, next) => await next());
  api.route("/items", items);

  const deep = new Hono();
  deep.onError((_, c) => c.text("deep", 418));
  deep.all("/any", (c) => c.text("any"));
  deep.get("/fails", () => {
    throw new Error("deep");
  });
  const guarded = new Hono();
  guarded.onError((_, c) => c.text("guarded", 500));
  guarded.use(async (_, next) => await next());
  guarded.all("/any", (c) => c.text("any"));
  guarded.route("/deep", deep);

  const users = new Hono();
  users.get("/users/:id{[0-9]+}", (c) => c.text(c.req.param("id")));

  app.get("/", (c) => c.text("root"));
  app.route("/api/v1", api);
  app.get("/fallback/:id", async (_, next) => await next());
  app.get("/fallback/*", (c) => c.text("fallback"));
  app.get("/two/:id", async (c, next) => {
    if (c.req.param("id") !== "1") await next();
    return c.text("two");
  });
  app.route("/guarded", guarded);
  app.basePath("/based").get("/on/:what", (c) => c.text("based"));
  app.get("/files/*", (c) => c.text("file"));
  app.route("/:org", users);
  app.notFound((c) => c.text("nowhere", 404));
}

test("tracing() finds the route from wherever it stands", async () => {
  const nested = tracedApp();
  const { telemetry } = nested;
  const sub = new Hono();
  sub.use(tracing({ telemetry }));
  sub.get("/:id", (c) => c.text("sub"));
  const outer = new Hono();
  outer.route("/sub", sub);
  outer.get("/one/:id", tracing({ telemetry }), (c) => c.text("one"));
  for (const path of ["/sub/1", "/one/1"]) await outer.request(path);
  await nested.collector.waitFor(({ spans }) => spans.length === 2);
  assertEquals(nested.collector.spans.map(({ name }) => name), [
    "GET /sub/:id",
    "GET /one/:id",
  ]);
});
