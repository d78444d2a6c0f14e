/**
 * npm run package:cli: builds release/refold-cli_VERSION_ARCH.deb, the helper
 * and command line for machines without a desktop. Needs dpkg-deb, gcc and make.
 *
 *     node scripts/package/cli.mjs [--output DIRECTORY] [--level 0..9]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeDeb } from "./deb.mjs";
import { gzip, packageTime, put, runTool, stage } from "./stage.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const NAME = "refold-cli";

const { values } = parseArgs({
  options: {
    output: { type: "string", default: join(root, "release") },
    /** Of xz: 0 is quick, for tests. */
    level: { type: "string", default: "6" },
  },
});
const output = resolve(values.output);
const architecture = { x64: "amd64", arm64: "arm64" }[process.arch];
if (architecture === undefined) throw new Error(`there is no package for ${process.arch}`);
const { version, description, maintainer } = {
  maintainer: "Refold maintainers <maintainers@refold.invalid>",
  ...JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
};
const time = packageTime(root);
// what the umask would take away from files and directories is given to packages on purpose
process.umask(0o022);
// the bundler writes paths into its output as they are seen from here
process.chdir(root);
const scratch = mkdtempSync(join(tmpdir(), "refold-package-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const tree = join(scratch, "root");
await stage({ root, target: tree, scratch, version, time, architecture });

const documents = `usr/share/doc/${NAME}`;
const debian = (name) => readFileSync(join(root, "packaging/debian", name), "utf8");
put(tree, `${documents}/copyright`, copyright());
put(tree, `${documents}/changelog.gz`, gzip(changelog()));
put(tree, `${documents}/examples/rules.json`, readFileSync(join(root, "packaging/rules.example.json")));
put(tree, `usr/share/lintian/overrides/${NAME}`, debian("lintian-overrides"));

mkdirSync(output, { recursive: true });
const deb = join(output, `${NAME}_${version}_${architecture}.deb`);
makeDeb({
  tree,
  output: deb,
  time,
  level: values.level,
  control: {
    Package: NAME,
    Version: version,
    Architecture: architecture,
    Maintainer: maintainer,
    Section: "admin",
    Priority: "optional",
    Depends: dependencies(),
    Suggests: "btrfs-progs",
    Conflicts: "refold",
    Replaces: "refold",
    Description: `${description}\n${debian("description").trimEnd()}`,
  },
  scripts: Object.fromEntries(["postinst", "prerm", "postrm"].map((name) => [name, debian(name)])),
});
console.log(deb);

/** The C libraries that the binaries need, by their newest symbol versions. */
function dependencies() {
  const library = join(tree, "usr/lib/refold");
  const binaries = runTool("find", [
    library,
    "(",
    "-name",
    "*.so",
    "-o",
    "-name",
    "*.node",
    "-o",
    "-name",
    "node",
    ")",
    "-type",
    "f",
  ]);
  const newest = (prefix) => {
    const versions = binaries
      .trim()
      .split("\n")
      .flatMap(
        (path) => runTool("objdump", ["-p", path]).match(new RegExp(`\\b${prefix}_[0-9.]+`, "g")) ?? [],
      )
      .map((name) =>
        name
          .slice(prefix.length + 1)
          .split(".")
          .map(Number),
      );
    versions.sort((a, b) => a.reduce((sum, part, k) => sum || part - (b[k] ?? 0), 0) || a.length - b.length);
    return versions.at(-1).join(".");
  };
  // libstdc++'s symbol versions are not its package's: GLIBCXX_3.4.28 is that of GCC 9
  const [, , patch] = newest("GLIBCXX").split(".").map(Number);
  const gcc =
    { 21: "5", 22: "6", 23: "7", 24: "7", 25: "8", 26: "9", 27: "9", 28: "9", 29: "11", 30: "12" }[patch] ??
    "13";
  return [`libc6 (>= ${newest("GLIBC")})`, "libgcc-s1 (>= 4.2)", `libstdc++6 (>= ${gcc})`].join(", ");
}

/** Debian's form of CHANGELOG.md's newest part. */
function changelog() {
  const text = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  const items = /^## .*?$(.*?)(?=^## |(?![\s\S]))/ms.exec(text)?.[1]?.match(/^- .*(?:\n {2}.*)*/gm) ?? [];
  const lines = items.map((item) => {
    const wrapped = [""];
    for (const word of item.slice(2).replaceAll("`", "").split(/\s+/)) {
      if (wrapped.at(-1).length + word.length > 70) wrapped.push("");
      wrapped.push(`${wrapped.pop()} ${word}`);
    }
    return `  *${wrapped.join("\n   ")}`;
  });
  const date = new Date(time * 1000).toUTCString().replace("GMT", "+0000");
  return `${NAME} (${version}) unstable; urgency=medium\n\n${lines.join("\n")}\n\n -- ${maintainer}  ${date}\n`;
}

/** Refold's own licence, and those of what the package carries, by their own files. */
function copyright() {
  const modules = join(root, "node_modules");
  const own = (path) =>
    readFileSync(join(modules, path), "utf8")
      .trim()
      .split("\n")
      .map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`))
      .join("\n");
  return debian("copyright")
    .replace("@BETTER_SQLITE3@", () => own("better-sqlite3/LICENSE"))
    .replace("@KOFFI@", () => own("koffi/LICENSE.txt"))
    .replace("@COMMANDER@", () => own("commander/LICENSE"))
    .replace("@PICOMATCH@", () => own("picomatch/LICENSE"))
    .replace("@ZOD@", () => own("zod/LICENSE"))
    .replace("@JSONRPC@", () => own("vscode-jsonrpc/License.txt"));
}
