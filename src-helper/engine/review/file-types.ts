import type { FileType } from "../../rpc/protocol.ts";

/** Endings of names, in small letters, by the kind of file that they stand for. */
const ENDINGS: Readonly<Record<Exclude<FileType, "other">, string>> = {
  image: `jpg jpeg jpe jfif png gif webp avif heic heif tif tiff bmp svg svgz ico psd psb xcf kra ora raw cr2
    cr3 nef nrw arw orf rw2 raf dng pef srw exr hdr tga jp2 jxl ai eps`,
  video: "mp4 m4v mkv webm mov avi mpg mpeg mpe m2ts vob wmv flv ogv 3gp 3g2 asf mxf rm rmvb divx",
  audio: "mp3 flac ogg oga opus m4a m4b aac wav wave aif aiff wma ape wv mka mid midi alac dsf dff mpc",
  archive: `zip tar gz tgz bz2 tbz tbz2 xz txz zst tzst lz lz4 lzma lzo 7z rar cab ar cpio deb rpm apk jar war
    whl gem crate flatpak snap`,
  "disk-image": "iso img qcow2 qcow vdi vmdk vhd vhdx dmg nrg mdf squashfs sfs appimage wim",
  document: `pdf epub mobi azw azw3 djvu doc docx dot dotx odt ott rtf xls xlsx xlsm ods ppt pptx odp odg tex
    txt md rst org csv tsv ps xps pages numbers key`,
  code: `c h cc cpp cxx hpp hh hxx m mm rs go java kt kts scala py pyc pyi rb pl pm php js mjs cjs jsx ts mts
    cts tsx vue svelte css scss less html htm xml json json5 yaml yml toml ini cfg conf sh bash zsh fish ps1
    bat sql lua r jl hs ml mli ex exs erl clj cs fs vb swift dart zig nim d asm s o a so ko cmake mk gradle
    lock map wasm ipynb proto diff patch`,
  game: `pak vpk uasset umap ubulk bsa ba2 esm esp wad pk3 pk4 gcf bsp unity3d assets bundle rpf nsp xci nds
    gba gbc nes sfc n64 z64 chd cso rvz wbfs gcm`,
};

const TYPES = new Map<string, FileType>();
for (const [type, endings] of Object.entries(ENDINGS) as [FileType, string][]) {
  // the first list that names an ending has it
  for (const ending of endings.split(/\s+/)) if (!TYPES.has(ending)) TYPES.set(ending, type);
}
// a shared library keeps its version behind the ending
const SHARED_LIBRARY = /\.so(\.\d+)+$/i;

/** The kind of file that a name stands for, by its ending. */
export function fileTypeOf(name: string): FileType {
  const dot = name.lastIndexOf(".");
  if (dot <= 0) return "other";
  const type = TYPES.get(name.slice(dot + 1).toLowerCase());
  if (type !== undefined) return type;
  return SHARED_LIBRARY.test(name) ? "code" : "other";
}
