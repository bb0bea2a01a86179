// Every number that bounds what telemetry keeps, sends, reads and waits, in one table that a bundler writes in place.

/** The memory that requests are written into: at first, and the most that is kept. */
export const INITIAL_BYTES = 2 ** 16;
export const KEPT_BYTES = 2 ** 20;

/** Up to here a loop writes text faster than the host does. */
export const PLAIN_LENGTH = 100;

/** Up to here a loop copies bytes faster than the host does. */
export const LOOP_BYTES = 72;

/** How many messages and names of members are remembered that never change. */
export const MAX_KNOWN = 128;

/** OTLP's limit for requests, before compression; here for all together that are under way to one receiver. */
export const MAX_REQUEST_BYTES = 64 * 2 ** 20;

/** OTLP's limit for replies. */
export const MAX_REPLY_BYTES = 4 * 2 ** 20;

/** From here on compression is worth its time. */
export const GZIP_FROM_BYTES = 1024;

/** The longest time of a host's timer, which stands for no limit. */
export const LONGEST_MS = 2 ** 31 - 1;

/** The least time between two attempts, and the share of it that chance may add: a second, a fifth more or less. */
export const FIRST_BACKOFF_MS = 800;
export const BACKOFF_FACTOR = 1.5;
export const JITTER = 0.5;

/** The digits of a trace id that a ratio sampler reads: the most of its random ones that a number holds exactly. */
export const RANDOM_FROM = 18;
export const RANDOM_DIGITS = 13;

/** How much of a receiver's message is repeated, in UTF-16 units. */
export const MAX_MESSAGE = 200;

/** Instruments of one `Telemetry`. */
export const MAX_STREAMS = 1000;

/** The specification's default: so many sets of attributes an instrument, the overflow included. */
export const MAX_SETS = 2000;

/** After so many steps, what is remembered of how attributes are spelt starts anew. */
export const MAX_STEPS = 4 * MAX_SETS;

/** What one scope may hold, and all scopes together as a multiple of it. */
export const MAX_SCOPE_BYTES = 8_388_608;
export const MAX_FULL_SCOPES = 4;

/** After this time without a flush, a scope's spans go with any other's: its request was cancelled. */
export const ABANDONED_MS = 60_000;

/** What a span, an event or a link takes apart from what it holds. */
export const PART_BYTES = 100;

/** The random bytes that are drawn at a time. */
export const POOL_BYTES = 2048;

/** Numbers below this (1973 as an epoch) are readings of the monotonic clock, which the API allows as times. */
export const FIRST_EPOCH_MS = 1e11;

/** How many keys, and how many values of each, are remembered with their encoding, whose length is to be one byte. */
export const MAX_KEYS = 256;
export const MAX_VALUES = 32;
export const MAX_PIECE_BYTES = 127;

/** A key's values are not looked up any more once so many more were unknown than known. */
export const CREDIT = 100;
