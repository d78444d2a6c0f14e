/** Completions for bash, zsh and fish, from the command line's own definitions. */

const MOUNTS = "findmnt --noheadings --list --types btrfs --output TARGET 2>/dev/null";

const words = (command) =>
  command.options.flatMap(({ short, long }) => [long, short]).filter((word) => word !== null);
const takers = (command, test) =>
  command.options
    .filter((option) => option.takesValue && test(option))
    .flatMap(({ short, long }) => [long, short].filter(Boolean));
const isDirectory = ({ value }) => value === "DIR";
/** What a command's own arguments are: "volume", "file", or nothing known. */
function kindOf(command) {
  const names = command.arguments.map(({ name }) => name);
  if (names.includes("VOLUME") || names.includes("SUBVOL")) return "volume";
  return names.some((name) => /^(SOURCE|DEST|FILE|PATH|FOLDER)/.test(name)) ? "file" : "none";
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function bashValues(command) {
  const lines = [];
  for (const option of command.options.filter(({ choices }) => choices !== null)) {
    const names = [option.long, option.short].filter(Boolean).join("|");
    lines.push(
      `      ${names}) mapfile -t COMPREPLY < <(compgen -W ${quote(option.choices.join(" "))} -- "$cur"); return ;;`,
    );
  }
  const directories = takers(command, isDirectory);
  if (directories.length > 0)
    lines.push(`      ${directories.join("|")}) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;`);
  const free = takers(command, (option) => !isDirectory(option) && option.choices === null);
  if (free.length > 0) lines.push(`      ${free.join("|")}) return ;;`);
  return lines;
}

/** @param {ReturnType<typeof import("./program.mjs").describe>} program */
export function bashCompletion(program) {
  const names = program.commands.map(({ name }) => name);
  const before = takers(program, () => true);
  const cases = program.commands.map((command) =>
    [
      `    ${command.name})`,
      `      case $prev in`,
      ...bashValues(command),
      `      esac`,
      `      options=${quote(words(command).join(" "))}`,
      `      kind="${kindOf(command)}"`,
      `      ;;`,
    ].join("\n"),
  );
  return `# bash completion for refold. Generated from its command definitions.
# shellcheck shell=bash

_refold() {
  local cur prev command="" options kind word k
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  for ((k = 1; k < COMP_CWORD; k++)); do
    word=\${COMP_WORDS[k]}
    case $word in
    ${before.join("|")}) ((k++)) ;;
    -*) ;;
    *)
      command=$word
      break
      ;;
    esac
  done
  case $command in
    "")
      case $prev in
${bashValues(program).join("\n")}
      esac
      options=${quote(words(program).join(" "))}
      [[ $cur == -* ]] || options=${quote([...names, "help"].join(" "))}
      kind="none"
      ;;
    help)
      options=${quote(names.join(" "))}
      kind="none"
      ;;
${cases.join("\n")}
    *) return ;;
  esac
  if [[ $cur == -* || $kind == none ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
  elif [[ $kind == volume ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <({
      local IFS=$'\\n'
      compgen -W "$(${MOUNTS})" -- "$cur"
      compgen -d -- "$cur"
    } | sort -u)
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
}
complete -F _refold refold
`;
}

/** Text inside [...] of zsh's _arguments. */
const zshText = (text) =>
  text.replaceAll("\\", "\\\\").replaceAll("[", "\\[").replaceAll("]", "\\]").replaceAll(":", "\\:");

function zshOption(option) {
  const action =
    option.choices !== null ? `(${option.choices.join(" ")})` : isDirectory(option) ? "_files -/" : " ";
  const value = option.takesValue ? `:${zshText(option.value ?? "value")}:${action}` : "";
  const repeat = /repeatable/.test(option.description) ? "*" : "";
  return [option.long, option.short]
    .filter(Boolean)
    .map((word) => quote(`${repeat}${word}[${zshText(option.description)}]${value}`));
}

/** @param {ReturnType<typeof import("./program.mjs").describe>} program */
export function zshCompletion(program) {
  const cases = program.commands.map((command) => {
    const rest = { volume: `'*:volume:_refold_volumes'`, file: `'*:file:_files'`, none: null }[
      kindOf(command)
    ];
    const specs = [...command.options.flatMap(zshOption), ...(rest === null ? [] : [rest])];
    return `        ${command.name})\n          _arguments -s \\\n            ${specs.join(" \\\n            ")}\n          ;;`;
  });
  const list = program.commands.map(({ name, summary }) => `    ${quote(`${name}:${zshText(summary)}`)}`);
  return `#compdef refold
# zsh completion for refold. Generated from its command definitions.

_refold_volumes() {
  local -a mounts
  mounts=("\${(@f)$(${MOUNTS})}")
  _alternative 'mounts:btrfs filesystem:compadd -a mounts' 'directories:directory:_files -/'
}

_refold() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  local -a commands
  commands=(
${list.join("\n")}
    'help:print help for a command'
  )
  _arguments -s -C \\
    ${program.options.flatMap(zshOption).join(" \\\n    ")} \\
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
        help) _describe -t commands command commands ;;
${cases.join("\n")}
      esac
      ;;
  esac
}

_refold "$@"
`;
}

const fishQuote = (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function fishOption(condition, option) {
  const names = [
    ...(option.long === null ? [] : ["-l", option.long.slice(2)]),
    ...(option.short === null ? [] : ["-s", option.short.slice(1)]),
  ];
  const value = !option.takesValue
    ? []
    : option.choices !== null
      ? ["-x", "-a", fishQuote(option.choices.join(" "))]
      : isDirectory(option)
        ? ["-x", "-a", "'(__fish_complete_directories)'"]
        : ["-x"];
  return [
    "complete -c refold",
    "-n",
    fishQuote(condition),
    ...names,
    ...value,
    "-d",
    fishQuote(option.description),
  ].join(" ");
}

/** @param {ReturnType<typeof import("./program.mjs").describe>} program */
export function fishCompletion(program) {
  const none = `not __fish_seen_subcommand_from ${program.commands.map(({ name }) => name).join(" ")} help`;
  const lines = [
    "# fish completion for refold. Generated from its command definitions.",
    "complete -c refold -f",
    `complete -c refold -n ${fishQuote(none)} -a help -d 'print help for a command'`,
    ...program.options.map((option) => fishOption(none, option)),
  ];
  for (const command of program.commands) {
    const seen = `__fish_seen_subcommand_from ${command.name}`;
    lines.push(
      `complete -c refold -n ${fishQuote(none)} -a ${command.name} -d ${fishQuote(command.summary)}`,
    );
    lines.push(...command.options.map((option) => fishOption(seen, option)));
    const kind = kindOf(command);
    if (kind === "volume") {
      lines.push(
        `complete -c refold -n ${fishQuote(seen)} -a ${fishQuote(`(${MOUNTS}; __fish_complete_directories)`)}`,
      );
    } else if (kind === "file") lines.push(`complete -c refold -n ${fishQuote(seen)} -F`);
  }
  return `${lines.join("\n")}\n`;
}
