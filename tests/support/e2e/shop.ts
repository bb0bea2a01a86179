/** A small shop: a signup over HTTP, then three tasks of which each enqueues the next. */
import { Hono } from "hono";
import {
  defineTask,
  type Enqueued,
  type HandlerContext,
  Queue,
  type WorkflowBroker,
} from "../../../mod.ts";
import { type BatonVariables, tracing } from "../../../src/hono/mod.ts";
import { Telemetry } from "../../../src/otlp/mod.ts";

interface Customer {
  readonly email: string;
}

/** The cascade, in its order. */
export const account = defineTask<Customer>("account");
export const welcome = defineTask<Customer>("welcome");
export const tip = defineTask<Customer>("tip");

/** One run of a handler, as it is about to return. */
export interface Run {
  readonly ctx: Pick<HandlerContext, "id" | "name" | "attempt">;
  /** What it enqueued, if it did. */
  readonly next: Enqueued | undefined;
}

/** What a shop is made of. */
export interface ShopOptions {
  readonly broker: WorkflowBroker;
  /** Where spans go. */
  readonly endpoint: string;
  /** The process's name in traces. */
  readonly service: string;
  /** Called at the end of each run, before it returns. */
  readonly onRun?: (run: Run) => void | Promise<void>;
}

/** One process of the shop: it may take signups, run tasks, or both. */
export interface Shop {
  readonly app: Hono<{ Variables: BatonVariables }>;
  readonly queue: Queue;
  readonly telemetry: Telemetry;
}

/** The queue of the shop. */
export const SHOP = "shop";

/** Opens one process of the shop. */
export function openShop(options: ShopOptions): Shop {
  const { broker, endpoint, service, onRun = () => {} } = options;
  const telemetry = new Telemetry({ serviceName: service, endpoint });
  const queue = new Queue({
    name: SHOP,
    broker,
    telemetry,
    handlers: [
      account.handle(async (input, ctx) => {
        await onRun({ ctx, next: await ctx.enqueue(welcome, input) });
      }),
      welcome.handle(async (input, ctx) => {
        await onRun({ ctx, next: await ctx.enqueue(tip, input) });
      }),
      tip.handle(async (_, ctx) => await onRun({ ctx, next: undefined })),
    ],
  });
  const app = new Hono<{ Variables: BatonVariables }>();
  app.use(tracing({ telemetry, queue }));
  app.post("/signup", async (c) => {
    const { id } = await c.var.queue.enqueue(account, await c.req.json());
    return c.json({ id }, 202);
  });
  return { app, queue, telemetry };
}
