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
    const response = await fetch("https://mail.example/send", {
      method: "POST",
      body: JSON.stringify({ to: email }),
      signal: ctx.signal, // aborts after timeoutMs
    });
    if (!response.ok) throw new Error(`The mailer said ${response.status}`);
  }),
];
