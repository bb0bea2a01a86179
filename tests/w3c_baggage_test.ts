/** Baggage: the vectors of the specification's own suite, what malformed headers come to, and the limits. */
import {
  type Baggage,
  baggageEntryMetadataFromString,
  propagation,
} from "@opentelemetry/api";
import { assertEquals } from "@std/assert";
import { formatBaggage, parseBaggage } from "../src/w3c/mod.ts";
import { endless, lines } from "./support/header.ts";
import { test } from "./support/suite.ts";

type Entry = readonly [key: string, value: string, properties?: string];

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

function baggageOf(entries: readonly Entry[]): Baggage {
  return propagation.createBaggage(
    Object.fromEntries(entries.map(([key, value, properties]) => [
      key,
      properties === undefined ? { value } : {
        value,
        metadata: baggageEntryMetadataFromString(properties),
      },
    ])),
  );
}

function entriesOf(baggage: Baggage | undefined): readonly Entry[] {
  return (baggage?.getAllEntries() ?? []).map(([key, { value, metadata }]) =>
    metadata === undefined ? [key, value] : [key, value, metadata.toString()]
  );
}

const W = " \t ";
const SPECIAL = "\t \"';=asdf!@#$%^&*()";
const QUOTED = "%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29";

/** The 21 vectors of w3c/baggage, test/test_baggage.py, that have entries to read or write: name, header as it comes, its entries, and the header as it goes where that differs. What the suite splits into properties is one text here, and stays percent-encoded. */
const vectors: readonly (readonly [
  name: string,
  header: string,
  entries: readonly Entry[],
  written?: string,
])[] = [
  ["baggage, default", "", []],
  ["baggage, simple", "SomeKey=SomeValue", [["SomeKey", "SomeValue"]]],
  [
    "baggage, multiple",
    "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal",
    [
      ["SomeKey", "SomeValue", "SomeProp"],
      ["SomeKey2", "SomeValue2", "ValueProp=PropVal"],
    ],
  ],
  [
    "baggage, multiple with whitespace",
    `SomeKey${W}=${W}SomeValue${W};${W}SomeProp${W},${W}SomeKey2${W}=${W}SomeValue2${W};${W}ValueProp${W}=${W}PropVal`,
    [
      ["SomeKey", "SomeValue", "SomeProp"],
      ["SomeKey2", "SomeValue2", "ValueProp=PropVal"],
    ],
    "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal",
  ],
  [
    "baggage, multiple with key-value properties",
    "SomeKey=SomeValue;SomePropKey=SomePropValue,SomeKey2=SomeValue2;SomePropKey2=SomePropValue2",
    [
      ["SomeKey", "SomeValue", "SomePropKey=SomePropValue"],
      ["SomeKey2", "SomeValue2", "SomePropKey2=SomePropValue2"],
    ],
  ],
  [
    "baggage, multiple with key-value properties and whitespace",
    `SomeKey${W}=${W}SomeValue${W};${W}SomePropKey=SomePropValue${W},${W}SomeKey2${W}=${W}SomeValue2${W};${W}SomePropKey2${W}=${W}SomePropValue2`,
    [
      ["SomeKey", "SomeValue", "SomePropKey=SomePropValue"],
      ["SomeKey2", "SomeValue2", "SomePropKey2=SomePropValue2"],
    ],
    "SomeKey=SomeValue;SomePropKey=SomePropValue,SomeKey2=SomeValue2;SomePropKey2=SomePropValue2",
  ],
  ["entry, made of key and value", "SomeKey=SomeValue", [[
    "SomeKey",
    "SomeValue",
  ]]],
  ["entry, simple", "SomeKey=SomeValue", [["SomeKey", "SomeValue"]]],
  ["entry, several equals signs", "SomeKey=SomeValue=equals", [[
    "SomeKey",
    "SomeValue=equals",
  ]], "SomeKey=SomeValue%3Dequals"],
  ["entry, percent-encoded", `SomeKey=${QUOTED}`, [["SomeKey", SPECIAL]]],
  ["entry, property", "SomeKey=SomeValue;SomeProp", [[
    "SomeKey",
    "SomeValue",
    "SomeProp",
  ]]],
  [
    "entry, several properties",
    "SomeKey=SomeValue;SomeProp;SecondProp=PropValue",
    [["SomeKey", "SomeValue", "SomeProp;SecondProp=PropValue"]],
  ],
  [
    "entry, properties of the same name",
    "SomeKey=SomeValue;SomeProp;SomeProp=PropValue;SomeProp=AnotherPropValue",
    [[
      "SomeKey",
      "SomeValue",
      "SomeProp;SomeProp=PropValue;SomeProp=AnotherPropValue",
    ]],
  ],
  ["entry, key-value property", "SomeKey=SomeValue;SomePropKey=SomePropValue", [
    ["SomeKey", "SomeValue", "SomePropKey=SomePropValue"],
  ]],
  ["entry, whitespace", `SomeKey${W}=${W}SomeValue${W}`, [[
    "SomeKey",
    "SomeValue",
  ]], "SomeKey=SomeValue"],
  ["entry, percent-encoded with whitespace", `SomeKey${W}=${W}${QUOTED}${W}`, [[
    "SomeKey",
    SPECIAL,
  ]], `SomeKey=${QUOTED}`],
  [
    "entry, property with whitespace",
    `SomeKey${W}=${W}SomeValue${W};${W}SomeProp`,
    [["SomeKey", "SomeValue", "SomeProp"]],
    "SomeKey=SomeValue;SomeProp",
  ],
  [
    "entry, several properties with whitespace",
    `SomeKey${W}=${W}SomeValue${W};${W}SomeProp${W};${W}SecondProp${W}=${W}PropValue`,
    [["SomeKey", "SomeValue", "SomeProp;SecondProp=PropValue"]],
    "SomeKey=SomeValue;SomeProp;SecondProp=PropValue",
  ],
  [
    "entry, key-value property with whitespace",
    `SomeKey${W}=${W}SomeValue${W};${W}SomePropKey${W}=${W}SomePropValue`,
    [["SomeKey", "SomeValue", "SomePropKey=SomePropValue"]],
    "SomeKey=SomeValue;SomePropKey=SomePropValue",
  ],
  [
    "entry, percent-encoded property",
    `SomeKey=SomeValue;SomePropKey=${QUOTED}`,
    [["SomeKey", "SomeValue", `SomePropKey=${QUOTED}`]],
  ],
  [
    "entry, property without a value is not decoded",
    "SomeKey=SomeValue;ValueProp%20%09%20%3D%20%09%20PropVal",
    [["SomeKey", "SomeValue", "ValueProp%20%09%20%3D%20%09%20PropVal"]],
  ],
];

for (const [name, header, entries, written = header] of vectors) {
  test(`parseBaggage() and formatBaggage() pass the vector ${name}`, () => {
    assertEquals(entriesOf(parseBaggage(header)), entries);
    assertEquals(formatBaggage(baggageOf(entries)), written);
    const read = parseBaggage(header);
    assertEquals(read === undefined ? "" : formatBaggage(read), written);
  });
}

/** The other three are about limits, of what is written; and so that we can carry it on, of what is read. */
const limits: readonly (readonly [string, readonly Entry[], number])[] = [
  ["64 entries", times(64, (i) => [`key${i}`, "value"]), 757],
  ["one of 8,192 bytes", [["a", "0123456789".repeat(819)]], 8_192],
  [
    "512 entries of 15 bytes",
    times(512, (i) => [
      `k${String(i).padStart(3, "0")}`,
      "0123456789",
    ]),
    8_191,
  ],
];

for (const [name, entries, length] of limits) {
  test(`parseBaggage() and formatBaggage() carry ${name}`, () => {
    const header = formatBaggage(baggageOf(entries));
    assertEquals(header.length, length);
    assertEquals(header.split(",").length, entries.length);
    assertEquals(entriesOf(parseBaggage(header)), entries);
  });
}

test("parseBaggage() leaves out malformed entries and repairs bad UTF-8", () => {
  assertEquals(
    entriesOf(parseBaggage(
      "=1,noequals,a;b=1,a b=1,ok=1,bad=%C3%28x,cut=%E2%82,percent=50%,half=%4,bom=%EF%BB%BFx,empty=,none=1;,ok=2,,",
    )),
    [
      ["ok", "2"],
      ["bad", "\ufffd(x"],
      ["cut", "\ufffd"],
      ["percent", "50%"],
      ["half", "%4"],
      ["bom", "\ufeffx"],
      ["empty", ""],
      ["none", "1"],
    ],
  );
  for (const nothing of ["", "nothing", ",;=,", ";a=1"]) {
    assertEquals(parseBaggage(nothing), undefined, nothing);
  }
  assertEquals(entriesOf(parseBaggage("__proto__=1")), [["__proto__", "1"]]);
});

test("parseBaggage() takes plus and ampersand for what they are", () => {
  assertEquals(entriesOf(parseBaggage("a=1+2&b=3%2B4%26")), [
    ["a", "1+2&b=3+4&"],
  ]);
});

test("parseBaggage() reads all lines as one, in their order", () => {
  assertEquals(
    entriesOf(parseBaggage(["a=1, b=2", "", "c=3;p"])),
    [["a", "1"], ["b", "2"], ["c", "3", "p"]],
  );
});

test("parseBaggage() keeps the whole entries within 8,192 characters of all lines, and reads no further", () => {
  const long = `a=${"1".repeat(8_190)}`;
  const keysOf = (header: string | readonly string[]) =>
    entriesOf(parseBaggage(header)).map(([key]) => key);
  assertEquals(keysOf(long), ["a"]);
  assertEquals(keysOf(`${long}1`), []);
  assertEquals(keysOf(`${long},b=1`), ["a"]);
  assertEquals(keysOf([long, "b=1"]), ["a"]);
  assertEquals(keysOf([`b=1,${long}`]), ["b"]);
  assertEquals(keysOf(["b=1", endless(8_193)]), ["b"]);
  assertEquals(keysOf([endless(8_193)]), []);
  assertEquals(keysOf(lines("c=1", 2_049)), ["c"]);
  assertEquals(keysOf(lines("", 8_194)), []);
});

test("formatBaggage() encodes what a value cannot hold, and mends what is no text", () => {
  for (
    const [value, written] of [
      ["Amélie", "Am%C3%A9lie"],
      ["DF 28", "DF%2028"],
      ["🎈,", "%F0%9F%8E%88%2C"],
      ["100%", "100%25"],
      ["\ud800", "%EF%BF%BD"],
      ["\r\nx: y", "%0D%0Ax%3A%20y"],
      ["", ""],
    ] as const
  ) assertEquals(formatBaggage(baggageOf([["a", value]])), `a=${written}`);
});

test("formatBaggage() leaves out keys and properties that no header can carry", () => {
  assertEquals(
    formatBaggage(baggageOf([
      ["no token", "1"],
      ["clé", "1"],
      ["", "1"],
      ["b", "2", "é"],
      ["c", "3", "p\r\nx: y"],
      ["d", "4", "p,e=5"],
      ["f", "6", ""],
    ])),
    "b=2,c=3,d=4,f=6",
  );
});

test("formatBaggage() escapes no more than it must where 8,192 bytes would not do", () => {
  const url = "https://example.test/(a)?b=c&d=100%25";
  const some: readonly Entry[] = times(180, (i) => [`k${i}`, url]);
  const header = formatBaggage(baggageOf(some));
  assertEquals(entriesOf(parseBaggage(header)), some);
  assertEquals(header.startsWith(`k0=${url.replace("%", "%25")},k1=`), true);
  const tight: readonly Entry[] = [["a", "/".repeat(8_190)]];
  assertEquals(entriesOf(parseBaggage(formatBaggage(baggageOf(tight)))), tight);
});

test("formatBaggage() leaves out, whole, every entry that would exceed 8,192 bytes", () => {
  const many = times(
    513,
    (i) => [`k${String(i).padStart(3, "0")}`, "0123456789"] as const,
  );
  assertEquals(
    entriesOf(parseBaggage(formatBaggage(baggageOf(many)))),
    many.slice(0, 512),
  );
  const long: readonly Entry[] = [
    ["a", "1".repeat(8_000)],
    ["b", "2".repeat(200)],
    ["c", "3"],
    ["d", "4".repeat(8_200)],
  ];
  assertEquals(
    formatBaggage(baggageOf(long)),
    `a=${"1".repeat(8_000)},c=3`,
  );
});
