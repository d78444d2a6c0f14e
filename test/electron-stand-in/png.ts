/** PNG, as far as icons need it: 8 bits a channel, not interlaced. https://www.w3.org/TR/png-3/ */
import { crc32, deflateSync, inflateSync } from "node:zlib";

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha; row by row, not premultiplied. */
  readonly rgba: Uint8Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Bytes a pixel by colour type: grey, RGB, palette, grey and alpha, RGBA. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** Undoes the rows' filters, in place. */
function unfilter(data: Uint8Array, stride: number, height: number, bytes: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= bytes ? (out[at - bytes] ?? 0) : 0;
      const above = y > 0 ? (out[at - stride] ?? 0) : 0;
      const corner = x >= bytes && y > 0 ? (out[at - stride - bytes] ?? 0) : 0;
      const add = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter];
      if (add === undefined) throw new Error("not a PNG: a row has an unknown filter");
      out[at] = (data[y * (stride + 1) + 1 + x] ?? 0) + add;
    }
  }
  return out;
}

/** null for what is no PNG. @throws Error for a PNG of a kind that is not read here */
export function decodePng(file: Buffer): Pixels | null {
  if (!file.subarray(0, 8).equals(SIGNATURE)) return null;
  let [width, height, type] = [0, 0, 0];
  let palette: Buffer = Buffer.alloc(0);
  let alphas: Buffer = Buffer.alloc(0);
  const data: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at);
    const name = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (name === "IHDR") {
      [width, height, type] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9] ?? 0];
      if (body[8] !== 8 || body[12] !== 0)
        throw new Error("electron-stand-in reads PNGs of 8 bits, not interlaced");
    } else if (name === "PLTE") palette = body;
    else if (name === "tRNS") alphas = body;
    else if (name === "IDAT") data.push(body);
    at += length + 12;
  }
  const bytes = CHANNELS[type];
  if (bytes === undefined || width === 0) return null;
  const raw = unfilter(inflateSync(Buffer.concat(data)), width * bytes, height, bytes);
  const rgba = new Uint8Array(width * height * 4);
  for (let k = 0; k < width * height; k++) {
    const pixel = raw.subarray(k * bytes, k * bytes + bytes);
    const [a = 0, b = 0, c = 0, d = 255] = pixel;
    if (type === 6) rgba.set(pixel, k * 4);
    else if (type === 2) rgba.set([a, b, c, 255], k * 4);
    else if (type === 0) rgba.set([a, a, a, 255], k * 4);
    else if (type === 4) rgba.set([a, a, a, b], k * 4);
    else
      rgba.set(
        [palette[a * 3] ?? 0, palette[a * 3 + 1] ?? 0, palette[a * 3 + 2] ?? 0, alphas[a] ?? d],
        k * 4,
      );
  }
  return { width, height, rgba };
}

function chunk(name: string, body: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(name, 4, "latin1");
  out.set(body, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

export function encodePng({ width, height, rgba }: Pixels): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y++)
    rows.set(rgba.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 1) + 1);
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}
