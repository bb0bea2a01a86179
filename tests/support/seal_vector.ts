/** A text and what its seal makes of it: each runtime has to write it, and OpenSSL has to agree. */
import { createSeal, type Place, type Seal } from "../../src/codec/seal.ts";
import {
  type SealKey,
  type SealOptions,
  sealSettings,
} from "../../src/codec/secrets.ts";

/** A seal with these options. */
export function sealOf(options: SealOptions): Seal {
  return createSeal(sealSettings(options));
}

interface Vector {
  readonly key: SealKey & { readonly secret: Uint8Array };
  readonly place: Place;
  readonly text: string;
  readonly sealed: readonly {
    readonly encrypt: boolean;
    readonly sealed: string;
  }[];
}

/** The vector. */
export const vector: Vector = {
  key: { id: "a", secret: new Uint8Array(32).map((_, i) => i) },
  place: { queue: "images", id: "~1", part: "envelope" },
  text: '{"v":1,"n":"resize","i":{"url":"é"}}',
  sealed: [
    {
      encrypt: false,
      sealed:
        '{"v":1,"n":"resize","i":{"url":"é"},"k":"a","sig":"QnwQrA_Jez6WhKQpb3QldN8WYMgpmZPQNUmWNiDPeU4"}',
    },
    {
      encrypt: true,
      sealed:
        '{"v":1,"n":"resize","k":"a","enc":"2ix0bPw2gZ0P32mAWq2tTkvqPvNZs8TMLG5Cm533UQ1yOjBeHYioGNS2Ca3T"}',
    },
  ],
};
