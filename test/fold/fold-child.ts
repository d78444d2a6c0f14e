/**
 * Folds groups in a process of its own, so that a test can kill or trace it:
 *   fold-child.ts ROOT UUID DATABASE_DIR LOCK GROUPS [die]
 * GROUPS is JSON: lists of paths, the source first; sync before. Says "ready" just before it
 * folds. With "die" it kills itself at the first progress, with files locked
 * where the first group is large.
 */
import type { FoldOptions } from "../../src-helper/engine/contract.ts";
import { FoldBench, TestContext } from "./support.ts";

const [root = "", uuid = "", databaseDir = "", lock = "immutable", groups = "[]", end = ""] =
  process.argv.slice(2);
const bench = new FoldBench(root, uuid, databaseDir);
bench.journal.markInterruptedRuns();
const ctx = new TestContext();
if (end === "die") ctx.onProgress = () => process.kill(process.pid, "SIGKILL");
const options = { lock: lock as FoldOptions["lock"] };
const plans = (JSON.parse(groups) as string[][]).map((paths) => bench.plan(paths));
process.stdout.write("ready\n");
const result = await bench.fold(plans, options, ctx);
process.stdout.write(`${JSON.stringify({ files: result.files, freedBytes: result.freedBytes })}\n`);
