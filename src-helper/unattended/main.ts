/** Folds what the rules of this machine allow, with nobody watching: refold-dedup.service. */
import { processIo } from "../cli/io.ts";
import { EXIT } from "../cli/exit-codes.ts";
import { run } from "../cli/run.ts";
import { errorLine } from "../cli/session.ts";
import { displayMessage } from "../cli/terminal-text.ts";
import { checkProgramFiles, INSTALLED_DIRECTORY, isInstalled } from "../hardening/program-files.ts";
import { RULES_FILE } from "../rules/file.ts";
import { readRules, wordsOf, type Rule, type UnattendedRules } from "./rules.ts";

const FIRST_SIGNAL_CODE = 128;
const io = processIo();
const tell = (line: string): void => {
  io.err.write(`refold: ${line}\n`);
};

async function foldByRules(): Promise<number> {
  process.umask(0o077);
  if (isInstalled(import.meta.dirname)) checkProgramFiles(INSTALLED_DIRECTORY);
  const rules = readRules();
  const enabled = rules === null ? [] : await enabledOf(rules);
  if (rules === null || enabled.length === 0) {
    tell(
      rules === null
        ? `there is no ${RULES_FILE}: nothing is folded`
        : "no rule is enabled: nothing is folded",
    );
    return EXIT.done;
  }
  const always = rules.folders.some(({ fold }) => fold === "always");
  let worst: number = EXIT.done;
  for (const rule of enabled) {
    tell(displayMessage(`rule for ${rule.volume}${always ? ": folders that are always folded" : ""}`));
    const code = await run(wordsOf(rule, always), {
      io,
      loadEngine: async (options) => (await import("../engine/engine.ts")).createEngine(options),
      signals: process,
      launcher: null,
    });
    worst = Math.max(worst, code);
    if (code > FIRST_SIGNAL_CODE) break;
  }
  return worst;
}

/** Rules of volumes; where there are none, the volumes of folders that are always folded. */
async function enabledOf({ volumes, folders }: UnattendedRules): Promise<Rule[]> {
  if (volumes.length > 0 || !folders.some(({ fold }) => fold === "always"))
    return volumes.filter((rule) => rule.enabled);
  const { listRules } = await import("../engine/folder-rules.ts");
  const uuids = listRules(RULES_FILE).flatMap((rule) => (rule.fold === "always" ? rule.volumes : []));
  return [...new Set(uuids)].map((volume) => ({
    ...{ volume, enabled: true, exclude: [], snapshots: false, crossVolume: true, lock: "immutable" },
  }));
}

foldByRules().then(
  (code) => process.exit(code),
  (error: unknown) => {
    tell(errorLine(error));
    process.exit(EXIT.usage);
  },
);
