/**
 * The twin of migration.py: a task module of django-q2, and what becomes of it.
 *
 * In memory and by a clock of its own: `deno run -A examples/migration.ts`
 */
import {
  defineTask,
  exponential,
  type Handler,
  NonRetryableError,
  Queue,
  type Settled,
  testClock,
} from "@baton/queue";

// What Q_CLUSTER said for all tasks, each definition says for its own.
const patient = {
  maxAttempts: 3,
  backoff: exponential({ baseMs: 1_000, maxMs: 60_000 }),
  timeoutMs: 60_000,
} as const;

interface Order {
  readonly order: string;
  readonly cents: number;
}

// The tasks: names and types here, so that a web server need not hold the code.

const tellSupport = defineTask<Settled>("tell-support", patient);
const charge = defineTask<Order, string>("charge", {
  ...patient,
  timeoutMs: 20_000, // timeout=20
  onFailure: tellSupport, // hook=tell_support, which looked at task.success
});
const pack = defineTask<string, number>("pack", patient);
const label = defineTask<string, readonly string[]>("label", patient);
const mail = defineTask<string, string>("mail", patient);
const report = defineTask<void>("report", patient);

const handlers: readonly Handler[] = [
  charge.handle(({ order, cents }) => {
    if (cents > 100_000) throw new NonRetryableError("The card was declined");
    return `charged ${order}`; // in an app: by ctx.fetch, with ctx.id as the bank's key
  }),
  tellSupport.handle((charge) => {
    if (charge.status === "completed") return;
    console.log(`A charge failed: ${charge.error.message}`);
  }),
  pack.handle(() => 2),
  label.handle((order, { previous }) => {
    const parcels = previous?.status === "completed" ? previous.value : 0;
    return Array.from({ length: Number(parcels) }, (_, n) => `${order}/${n}`);
  }),
  mail.handle((address) => address),
  report.handle((_, { intendedAt = NaN }) => {
    console.log(`Report of ${new Date(intendedAt).toISOString().slice(0, 7)}`);
  }),
];

const clock = testClock(Date.UTC(2026, 10, 22));
// new Queue({ name: "shop", broker: new UpstashBroker(Redis.fromEnv()), handlers })
const queue = Queue.inMemory({ name: "shop", clock, handlers });

// Who enqueues them.

const place = (order: string, cents: number) =>
  queue.enqueue(charge, { order, cents }, {
    group: "orders",
    label: `charge-${order}`, // task_name
    id: `charge-${order}`, // new: a request that is repeated charges once
  });

const ship = (order: string) =>
  queue.chain([pack.with(order), label.with(order)], { id: `ship-${order}` });

const sendNews = (addresses: readonly string[]) => queue.map(mail, addresses);

/** At every start of the app: the same schedule again changes nothing. */
const install = () =>
  queue.schedule("report", report.with(), {
    cron: "0 6 1 * *",
    timeZone: "Europe/Paris",
  });

// What a request and a cron trigger do.

await install();
const { id } = await place("a1", 4_900);
await place("a2", 900_000);
const shipped = await ship("a1");
const news = await sendNews(["ada@example.com", "bob@example.com"]);

await queue.drain(); // qcluster

const charged = await queue.result(id, { waitMs: 5_000 });
if (charged.status === "completed") console.log(charged.value);
const labels = await shipped.result();
if (labels.status === "completed") console.log(labels.value.join(" "));
const { completed, total } = await news.counts();
console.log(`${completed} of ${total} mails are sent`);

await clock.advance(10 * 86_400_000); // past the first of December
await queue.drain();
