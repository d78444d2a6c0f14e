/** How paths come out, for the help of every command that prints them. */
export const PATHS_HELP = `
Paths: shown to a person, bytes that could act on a terminal and bytes that are
not UTF-8 are written \\xNN, and a backslash as two. In JSON a byte 0xNN that is
not part of valid UTF-8 is the lone surrogate \\udcNN, as Python's
"surrogateescape" reads and writes it: os.fsencode(path) gives the bytes back.`;
