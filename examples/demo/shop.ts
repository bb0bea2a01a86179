/** The job: a signup becomes tasks, which become more tasks. */
import { defineTask, fixed, type Queue } from "@baton/queue";
import { type BatonVariables, tracing } from "@baton/queue/hono";
import type { Telemetry } from "@baton/queue/otlp";
import { Hono } from "hono";

interface Customer {
  readonly email: string;
}

/** What the handlers are at, for whoever watches. */
export const diary: string[] = [];

/** Stands for what a real handler does: a request to a mail server, a database. */
async function pretend(what: string, ms: number): Promise<void> {
  diary.push(what);
  await new Promise((resolve) => setTimeout(resolve, ms));
}

const firstTip = defineTask("first-tip", {
  run: (_: Customer) => pretend("writing the first tip", 50),
});

const drawAvatar = defineTask("draw-avatar", {
  run: (_: Customer) => pretend("drawing the avatar", 120),
});

const welcomeMail = defineTask("welcome-mail", {
  backoff: fixed(500),
  async run(customer: Customer, ctx) {
    await pretend(`sending the welcome mail, attempt ${ctx.attempt}`, 60);
    if (ctx.attempt === 1) {
      diary.push("waiting to send the welcome mail again");
      throw new Error("421 the mail server is busy");
    }
    await ctx.defer(firstTip, customer);
  },
});

export const createAccount = defineTask("create-account", {
  async run(customer: Customer, ctx) {
    await pretend("creating the account", 40);
    await ctx.enqueue(welcomeMail, customer); // now
    await ctx.defer(drawAvatar, customer); // with this task's success, or not at all
  },
});

/** The tasks that one signup becomes, and how often they are attempted in all. */
export const CASCADE = { tasks: 4, attempts: 5 } as const;

/** What runs them. */
export const handlers = [createAccount, welcomeMail, drawAvatar, firstTip];

/** The web process: answers at once, and leaves the work to the queue. */
export function openApp(
  queue: Queue,
  telemetry: Telemetry,
): Hono<{ Variables: BatonVariables }> {
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(tracing({ telemetry, queue }));
  app.onError((error, c) => c.json({ error: error.message }, 503));
  app.post("/signup", async (c) => {
    const { id } = await c.var.queue.enqueue(createAccount, await c.req.json());
    return c.json({ id }, 202);
  });
  return app;
}
