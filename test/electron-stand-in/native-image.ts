/** nativeImage: one picture in one or more resolutions. */
import { readFileSync } from "node:fs";
import { decodePng, encodePng, type Pixels } from "./png.ts";
import { strict } from "./strict.ts";

interface Representation {
  readonly scaleFactor?: number;
  readonly width?: number;
  readonly height?: number;
  readonly buffer?: Buffer;
  readonly dataURL?: string;
}

function fromDataUrl(url: string): Buffer {
  const match = /^data:image\/png;base64,(.*)$/s.exec(url);
  return Buffer.from(match?.[1] ?? "", "base64");
}

/** BGRA, as Chromium's bitmaps are. */
function swapped(bytes: Uint8Array): Buffer {
  const out = Buffer.from(bytes);
  for (let k = 0; k < out.length; k += 4) [out[k], out[k + 2]] = [bytes[k + 2] ?? 0, bytes[k] ?? 0];
  return out;
}

export class NativeImageImpl implements Pick<
  Electron.NativeImage,
  | "isEmpty"
  | "getSize"
  | "toPNG"
  | "toBitmap"
  | "toDataURL"
  | "addRepresentation"
  | "getScaleFactors"
  | "getAspectRatio"
  | "setTemplateImage"
  | "isTemplateImage"
> {
  /** For the stand-in. */
  readonly _representations = new Map<number, Pixels>();
  isMacTemplateImage = false;

  constructor() {
    return strict(this, "NativeImage");
  }
  private at(scaleFactor = 1): Pixels | null {
    return this._representations.get(scaleFactor) ?? [...this._representations.values()][0] ?? null;
  }
  isEmpty(): boolean {
    return this._representations.size === 0;
  }
  /** In points: pixels by the resolution's factor. */
  getSize(scaleFactor = 1): Electron.Size {
    const pixels = this.at(scaleFactor);
    return { width: (pixels?.width ?? 0) / scaleFactor, height: (pixels?.height ?? 0) / scaleFactor };
  }
  getAspectRatio(): number {
    const { width, height } = this.getSize();
    return width / height;
  }
  getScaleFactors(): number[] {
    return [...this._representations.keys()];
  }
  toPNG(options: { scaleFactor?: number } = {}): Buffer {
    const pixels = this.at(options.scaleFactor);
    return pixels === null ? Buffer.alloc(0) : encodePng(pixels);
  }
  toBitmap(options: { scaleFactor?: number } = {}): Buffer {
    const pixels = this.at(options.scaleFactor);
    return pixels === null ? Buffer.alloc(0) : swapped(pixels.rgba);
  }
  toDataURL(options: { scaleFactor?: number } = {}): string {
    return `data:image/png;base64,${this.toPNG(options).toString("base64")}`;
  }
  addRepresentation({ scaleFactor = 1, width, height, buffer, dataURL }: Representation): void {
    const file = buffer ?? (dataURL === undefined ? Buffer.alloc(0) : fromDataUrl(dataURL));
    const pixels =
      decodePng(file) ??
      (width !== undefined && height !== undefined && file.length === width * height * 4
        ? { width, height, rgba: swapped(file) }
        : null);
    // Electron leaves out what it cannot read, and says nothing
    if (pixels !== null) this._representations.set(scaleFactor, pixels);
  }
  setTemplateImage(): void {
    // macOS
  }
  isTemplateImage(): boolean {
    return false;
  }
}

const made = (representation: Representation): NativeImageImpl => {
  const image = new NativeImageImpl();
  image.addRepresentation(representation);
  return image;
};

export const nativeImage = {
  createEmpty: () => new NativeImageImpl(),
  createFromBuffer: (
    buffer: Buffer,
    options: { width?: number; height?: number; scaleFactor?: number } = {},
  ) => made({ ...options, buffer }),
  createFromBitmap: (buffer: Buffer, options: { width: number; height: number; scaleFactor?: number }) =>
    made({ ...options, buffer }),
  createFromDataURL: (dataURL: string) => made({ dataURL }),
  /** An empty image where the file cannot be read, as in Electron. */
  createFromPath: (path: string) => {
    try {
      return made({ buffer: readFileSync(path) });
    } catch {
      return new NativeImageImpl();
    }
  },
};
