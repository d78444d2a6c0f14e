/** The man page refold(1), from the command line's own definitions: man(7) macros. */

/** Text as roff prints it unchanged. */
export function roff(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("`", "\\(ga")
    .replace(/^\./gm, "\\&.");
}

const paragraph = (text) => roff(text.replaceAll(/\s+/g, " ").trim());

function preformatted(text) {
  // roff takes blank lines in no-fill text for a change of paragraph, which is what they are
  return text
    .split(/\n\s*\n/)
    .flatMap((block, k) => [...(k === 0 ? [] : [".PP"]), ".nf", ...block.split("\n").map(roff), ".fi"]);
}

const optionLines = (options) =>
  options.flatMap((option) => [".TP", `.B ${roff(option.flags)}`, paragraph(option.description)]);

function commandLines(command) {
  const words = command.arguments.map(({ name, variadic, required }) => {
    const word = `${name}${variadic ? "..." : ""}`;
    return required ? word : `[${word}]`;
  });
  const own = command.arguments.filter(({ description }) => description !== "");
  return [
    `.SS ${roff(["refold", command.name, "[OPTION...]", ...words].join(" "))}`,
    paragraph(command.description),
    ...own.flatMap(({ name, description }) => [".TP", `.I ${roff(name)}`, paragraph(description)]),
    ...optionLines(command.options),
    ...(command.after === "" ? [] : [".PP", ...preformatted(command.after)]),
  ];
}

/**
 * @param {ReturnType<typeof import("./program.mjs").describe>} program
 * @param {{ version: string, date: string }} about date: YYYY-MM-DD
 * @returns {string} the page
 */
export function manPage(program, { version, date }) {
  return `${[
    `.\\" Generated from src-helper/cli/commands: change it there.`,
    `.TH REFOLD 1 "${date}" "refold ${version}" "User Commands"`,
    ".SH NAME",
    `refold \\- ${roff(program.description.replace(/\.$/, "").replace(/^./, (first) => first.toLowerCase()))}`,
    ".SH SYNOPSIS",
    ".B refold",
    roff("[OPTION...] COMMAND [ARGUMENT...]"),
    ".SH DESCRIPTION",
    paragraph(program.description),
    ".PP",
    ...preformatted(program.after),
    ".SH OPTIONS",
    "They stand before or after the command.",
    ...optionLines(program.options),
    ".SH COMMANDS",
    ...program.commands.flatMap(commandLines),
    ".SH FILES",
    ".TP",
    ".I /var/lib/refold",
    "The index of each filesystem, which can be rebuilt, and the journal and history, which cannot.",
    ".TP",
    ".I /etc/refold/rules.json",
    "What may be folded with nobody watching; see",
    ".BR refold\\-rules (5).",
    ".SH SEE ALSO",
    ".BR btrfs (8),",
    ".BR ioctl_fideduperange (2),",
    ".BR chattr (1),",
    ".BR refold\\-rules (5)",
  ].join("\n")}\n`;
}
