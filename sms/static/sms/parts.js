/**
 * How many SMS a text takes, which characters make it dearer, and what to write instead.
 *
 * The same as sms/parts.py, character for character (tests/sms/test_parts_js.py holds the two together): the form
 * shows what will be debited. Pure functions: text in, values out. Source: 3GPP TS 23.038 and TS 23.040.
 */

export const MAX_PARTS = 10;

const BASIC =
  "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION = new Set("\f^{}\\[~]|€");
const GSM7 = new Set([...BASIC, ...EXTENSION]);

const LINE_ENDS = /\r\n|[\r\x85\u2028\u2029]/g;
const TABS = /[\t\v]/g;
const UNSEEN = /[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]/g;
const LONE_SURROGATES = /\p{Surrogate}/gu;

const LETTER_OR_CHARACTER = /[A-Za-z\u00c0-\u024f\u1e00-\u1eff]?[\u0300-\u036f]+|[^]/gu;
const MARKS = /[\u0300-\u036f]/g;
const HAS_PLAIN_FORM =
  /^[A-Za-z\u00a0-\u00b1\u00b4-\u00b8\u00ba\u00bb\u00bf-\u024f\u0300-\u036f\u1e00-\u1eff\u2100-\u214f\ufb00-\ufb06\uff01-\uff5e]+$/;
const SPELT_OUT =
  "…=... ‥=.. ·=. ¸=, ¦=| ⁄=/ ÷=: ×=x ±=+/- ≤=<= ≥=>= →=-> ←=<- ©=(c) ®=(r) ¢=c µ=u œ=oe Œ=OE " +
  "ð=d Ð=D đ=d Đ=D þ=th Þ=Th ħ=h Ħ=H ł=l Ł=L ŧ=t Ŧ=T ŋ=ng Ŋ=Ng ı=i ĸ=k ƒ=f ẞ=ß";
const each = (characters, plainForm) => [...characters].map((character) => [character, plainForm]);
const INSTEAD = new Map([
  ...each("‘’‚‛′‹›ʹʼ`´", "'"),
  ...each("“”„‟″«»", '"'),
  ...each("‐‑‒–—―−⁃•‣◦▪●", "-"),
  ...each("\u00a0\u1680\u202f\u205f\u3000\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a", " "),
  ...each("\u00ad\u200b\u2060", ""),
  ...SPELT_OUT.split(" ").map((pair) => [pair[0], pair.slice(2)]),
]);
const INSTEAD_OF_EXTENSION = new Map(
  Object.entries({ "[": "(", "]": ")", "{": "(", "}": ")", "\\": "/", "|": "/", "~": "-", "\f": "\n" }),
);

// encoding -> units of a lone part, units of each of several joined parts
const LIMITS = { gsm7: [160, 153], ucs2: [70, 67] };

const isGsm7 = (text) => [...text].every((character) => GSM7.has(character));
const widthIn = {
  gsm7: (character) => (EXTENSION.has(character) ? 2 : 1),
  ucs2: (character) => character.length,
};

/** The text as it is counted, kept and sent: LF line ends, no control characters, no half surrogate pairs. */
export function clean(text) {
  return text
    .replace(LONE_SURROGATES, "")
    .replace(LINE_ENDS, "\n")
    .replace(TABS, " ")
    .replace(UNSEEN, "");
}

/**
 * Cuts a text, cleaned, into the fewest parts that it fits; no text takes none.
 * Answers {encoding, slices, count, used, limit, left}: `used` units of the whole text, `limit` what each part holds,
 * `left` what is free in the last part.
 */
export function split(text) {
  const characters = [...clean(text)];
  const encoding = characters.every((character) => GSM7.has(character)) ? "gsm7" : "ucs2";
  const widthOf = widthIn[encoding];
  const [single, joined] = LIMITS[encoding];
  const used = characters.reduce((sum, character) => sum + widthOf(character), 0);
  const limit = used <= single ? single : joined;
  const { slices, filled } = cut(characters, widthOf, limit);
  return { encoding, slices, count: slices.length, used, limit, left: limit - filled };
}

function cut(characters, widthOf, size) {
  const slices = [];
  let start = 0;
  let filled = 0;
  characters.forEach((character, place) => {
    const width = widthOf(character);
    if (filled + width > size) {
      slices.push(characters.slice(start, place).join(""));
      [start, filled] = [place, 0];
    }
    filled += width;
  });
  if (characters.length) slices.push(characters.slice(start).join(""));
  return { slices, filled };
}

/** Whether the server will refuse this text for its length. */
export function tooLong(text) {
  return split(text).count > MAX_PARTS;
}

/**
 * The characters that make a text dearer, each once: [{text, positions, plain}]. `positions` are indices into
 * `[...clean(text)]`; `plain` says the same for less, and is null where nothing does (an emoji).
 */
export function costly(text) {
  const cleaned = clean(text);
  if (!isGsm7(cleaned)) return gathered(cleaned, (piece) => !isGsm7(piece), plainForm);
  const countedOnce = [...cleaned].map((character) => (EXTENSION.has(character) ? "x" : character)).join("");
  if (split(countedOnce).count === split(cleaned).count) return [];
  return gathered(
    cleaned,
    (piece) => EXTENSION.has(piece),
    (piece) => INSTEAD_OF_EXTENSION.get(piece) ?? null,
  );
}

/** The clean text with every costly character that has a plain form replaced by it. */
export function plain(text) {
  const cleaned = clean(text);
  const instead = new Map(costly(cleaned).map((found) => [found.text, found.plain]));
  return cleaned.replace(LETTER_OR_CHARACTER, (piece) => instead.get(piece) ?? piece);
}

/** The parts per recipient that `plain(text)` saves; never negative. */
export function saving(text) {
  return Math.max(0, split(text).count - split(plain(text)).count);
}

function gathered(text, isCostly, plainOf) {
  const found = new Map();
  let place = 0;
  for (const [piece] of text.matchAll(LETTER_OR_CHARACTER)) {
    if (isCostly(piece)) {
      if (!found.has(piece)) found.set(piece, { text: piece, positions: [], plain: plainOf(piece) });
      found.get(piece).positions.push(place);
    }
    place += [...piece].length;
  }
  return [...found.values()];
}

function plainForm(piece) {
  const composed = piece.normalize("NFC");
  if (isGsm7(composed)) return composed;
  if (INSTEAD.has(piece)) return INSTEAD.get(piece);
  if (!HAS_PLAIN_FORM.test(piece)) return null;
  const bare = piece.normalize("NFKD").replace(MARKS, "");
  const written = [...bare].map((character) => INSTEAD.get(character) ?? character).join("");
  return isGsm7(written) ? written : null;
}
