/** The beginning of a file as people compare it: bytes and letters side by side. */

export interface HexLine {
  readonly offset: number;
  /** Two digits each. */
  readonly bytes: readonly string[];
  /** One character a byte: printable ASCII, else a middle dot. */
  readonly text: string;
}

/** @param head - base64, as the protocol has it */
export function hexLines(head: string, perLine: number): HexLine[] {
  const bytes = Uint8Array.from(atob(head), (letter) => letter.charCodeAt(0));
  const lines: HexLine[] = [];
  for (let offset = 0; offset < bytes.length; offset += perLine) {
    const part = [...bytes.subarray(offset, offset + perLine)];
    lines.push({
      offset,
      bytes: part.map((byte) => byte.toString(16).padStart(2, "0")),
      text: part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join(""),
    });
  }
  return lines;
}
