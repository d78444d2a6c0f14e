/** What can be wrong with a pattern of the exclude list. */
export type GlobProblem = "empty" | "twice" | "long" | "many" | "brackets";

// as in the settings' schema, of which pages use the types alone
const MOST = 1000;
const LONGEST = 8192;
const CLOSING: Readonly<Record<string, string>> = { "[": "]", "{": "}", "(": ")" };

/** The first bracket that is opened and never closed, null where all are. \[ is the character itself. */
export function openBracket(glob: string): string | null {
  const open: string[] = [];
  for (let at = 0; at < glob.length; at++) {
    const character = glob.charAt(at);
    if (character === "\\") at += 1;
    else if (character in CLOSING) open.push(character);
    else if (character === CLOSING[open.at(-1) ?? ""]) open.pop();
  }
  return open[0] ?? null;
}

/** @returns what is wrong with adding the glob to the list, null where nothing is */
export function globProblem(glob: string, list: readonly string[]): GlobProblem | null {
  if (glob.trim() === "") return "empty";
  if (glob.length > LONGEST) return "long";
  if (list.includes(glob)) return "twice";
  if (list.length >= MOST) return "many";
  return openBracket(glob) === null ? null : "brackets";
}
