/** The tasks of the examples: what producers and consumers agree on, and what consumers do. */
import { defineTask, exponential, type Handler } from "@baton/queue";

interface Customer {
  readonly email: string;
}

/** What a producer needs: the name, the types, and how it is retried. */
export const createAccount = defineTask<Customer>("create-account");

/** A task that may fail for a while. */
export const welcomeMail = defineTask<Customer>("welcome-mail", {
  maxAttempts: 8,
  backoff: exponential({ baseMs: 1_000, maxMs: 600_000 }),
  timeoutMs: 10_000,
});

/** What a consumer needs besides. */
export const handlers: readonly Handler[] = [
  createAccount.handle(async (customer, ctx) => {
    await ctx.enqueue(welcomeMail, customer);
  }),
  welcomeMail.handle(async ({ email }, ctx) => {
    await send(`Welcome, ${email}`, ctx.signal); // aborts after timeoutMs
  }),
];

/** In an app: a request to the mailer, by `ctx.fetch`, which carries the trace on. */
async function send(text: string, signal: AbortSignal): Promise<void> {
  await Promise.resolve();
  signal.throwIfAborted();
  console.log(`A mail: ${text}`);
}
