/** Globs for "always skip", in the words of the settings' exclude list (picomatch). */

// What picomatch gives a meaning is escaped, so that a folder called "[2019] a*b" means itself. Two things become
// "?", which is any one character and at worst leaves a file more alone: a backslash (picomatch 4 does not end on
// some patterns with escaped backslashes), and a byte that is no UTF-8 (a lone surrogate here), which whoever reads
// the glob may spell otherwise.
const SPECIAL = /[*?[\]{}()!+@|,^$"']|\\|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A glob that matches one folder, and with it everything below. */
export function folderGlob(folder: string): string {
  const plain = folder.replace(/(?<=.)\/+$/, "");
  return escape(plain);
}

/**
 * A glob for files with the same ending, in any folder: "*.iso".
 *
 * @returns null where the name has no ending to go by
 */
export function typeGlob(name: string): string | null {
  const dot = name.lastIndexOf(".");
  // ".bashrc" is a name, not an ending
  if (dot <= 0 || dot === name.length - 1) return null;
  const ending = name.slice(dot + 1);
  if (ending.length > 16 || /\s/.test(ending)) return null;
  return `*.${escape(ending)}`;
}

function escape(text: string): string {
  return text.replace(SPECIAL, (found) => (/[\\\udc00-\udfff]/.test(found) ? "?" : `\\${found}`));
}
