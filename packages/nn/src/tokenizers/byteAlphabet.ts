/**
 * The alphabet in which GPT-2 spells bytes, so that tokens are texts without blanks. Printable bytes as themselves, the others as
 * characters from U+0100 on (Radford et al. 2019, `bytes_to_unicode`).
 */
const isPrintable = (byte: number): boolean =>
  (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);

/** The character of each byte. */
export const byteCharacters: readonly string[] = /* @__PURE__ */ (() => {
  let other = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : other++));
})();

/** The bytes of a text in UTF-8, each as its character. */
export function spellBytes(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byteCharacters[byte]).join('');
}

/** The bytes that characters stand for, null where one stands for none. */
export function bytesOf(spelled: string): number[] | null {
  const bytes = Array.from(spelled, (character) => byteCharacters.indexOf(character));
  return bytes.includes(-1) ? null : bytes;
}

/** Bytes as text; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes: readonly number[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
