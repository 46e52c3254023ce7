// Ids are bytes in updates and text everywhere else.

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += digits[byte];
  return text;
}

/** `text` is hex digits of ours, in pairs. */
export function bytesOfHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >>> 1);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}
