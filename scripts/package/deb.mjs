/** A .deb from a tree of files, with dpkg-deb: the same bytes for the same tree and time. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { runTool, settle } from "./stage.mjs";

function filesOf(tree) {
  return readdirSync(tree, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(tree, path).startsWith("DEBIAN/"))
    .sort();
}

/**
 * @param {{ tree: string, output: string, time: number, level: string, control: Record<string, string>, scripts: Record<string, string> }} options
 *   control: fields in their order, Installed-Size is added; scripts: postinst and the like by name
 */
export function makeDeb({ tree, output, time, level, control, scripts }) {
  const files = filesOf(tree);
  const kilobytes = files.reduce((sum, path) => sum + Math.ceil(readFileSync(path).length / 1024), 0);
  const directory = join(tree, "DEBIAN");
  mkdirSync(directory, { recursive: true });
  const fields = { ...control, "Installed-Size": String(kilobytes) };
  const { Description, ...rest } = fields;
  const lines = Object.entries({ ...rest, Description }).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(join(directory, "control"), lines.join(""));
  const sums = files.map(
    (path) => `${createHash("md5").update(readFileSync(path)).digest("hex")}  ${relative(tree, path)}\n`,
  );
  writeFileSync(join(directory, "md5sums"), sums.join(""));
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(directory, name), text);
  settle(tree, time);
  for (const name of Object.keys(scripts)) chmodSync(join(directory, name), 0o755);
  runTool("touch", ["--date", `@${time}`, directory]);
  runTool("dpkg-deb", ["--root-owner-group", "-Zxz", `-z${level}`, "--build", tree, output], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
  });
}
