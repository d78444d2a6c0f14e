/** Colours, or nothing where nobody sees them. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  red(text: string): string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Colour only on a terminal that has it, and never against NO_COLOR (https://no-color.org). */
export function makeStyle(isTerminal: boolean, environment: Environment): Style {
  const noColour = environment["NO_COLOR"] ?? "";
  const on = isTerminal && noColour === "" && environment["TERM"] !== "dumb";
  const paint = (code: string) => (text: string) =>
    on && text !== "" ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bold: paint("1"), dim: paint("2"), green: paint("32"), yellow: paint("33"), red: paint("31") };
}

/** Whether the terminal's locale can show more than ASCII. */
export function hasUnicode(environment: Environment): boolean {
  const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";
  return /utf-?8/iu.test(locale);
}
