/** A ring that has come so far is left to cron: hosts end what calls itself for ever. */
export const MAX_HOPS = 8;
