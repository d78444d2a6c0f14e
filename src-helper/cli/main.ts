import path from "node:path";
import { existsSync } from "node:fs";
import { keepCompiledCode } from "./compile-cache.ts";
import { collectSooner } from "./heap.ts";

keepCompiledCode();
collectSooner();

async function main(): Promise<never> {
  // Imported here and not at the top, so that the cache is there for them; the
  // engine and its native library come later still, where a command needs them.
  const { run } = await import("./run.ts");
  const { processIo } = await import("./io.ts");
  const { readWords } = await import("./raw-arguments.ts");

  const words = readWords();
  const io = processIo();

  function crash(error: unknown): never {
    const message = error instanceof Error ? error.message : String(error);
    io.err.write(`refold: unexpected error: ${message.replace(/\s*\n\s*/gu, " ")} (--verbose shows where)\n`);
    if (words.includes("--verbose") || words.includes("-v")) {
      io.err.write(`${error instanceof Error ? (error.stack ?? "") : ""}\n`);
    }
    process.exit(1);
  }
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);

  const launcher = path.join(import.meta.dirname, "../../bin/refold");
  const exitCode = await run(words, {
    io,
    loadEngine: async (options) => (await import("../engine/engine.ts")).createEngine(options),
    signals: process,
    launcher: existsSync(launcher) ? launcher : null,
  });
  process.exit(exitCode);
}

void main();
