/** What desktops and app stores read, and the app's packages as far as they can be made without Electron. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { exec } from "../support/exec.ts";
import { ROOT } from "../support/run.ts";

const ID = "org.refold.Refold";
const scratch = mkdtempSync(join(tmpdir(), "refold-desktop-test-"));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const desktop = readFileSync(join(ROOT, `packaging/desktop/${ID}.desktop`), "utf8");
const builder = readFileSync(join(ROOT, "electron-builder.yml"), "utf8");

test("the .desktop file is valid", () => {
  expect(exec("desktop-file-validate", [join(ROOT, `packaging/desktop/${ID}.desktop`)])).toBe("");
});

test("the metainfo is valid, and names the .desktop file", () => {
  const text = readFileSync(join(ROOT, `packaging/desktop/${ID}.metainfo.xml`), "utf8");
  const filled = join(scratch, `${ID}.metainfo.xml`);
  writeFileSync(filled, text.replace("@VERSION@", "1.2.3").replace("@DATE@", "2026-01-31"));
  const run = spawnSync("appstreamcli", ["validate", "--no-net", filled], { encoding: "utf8" });
  expect(run.stdout).not.toMatch(/^[EW]:/m);
  expect(run.status).toBe(0);
  expect(text).toContain(`<launchable type="desktop-id">${ID}.desktop</launchable>`);
});

test("electron-builder writes the same .desktop file", () => {
  const keys = [
    "GenericName",
    "GenericName[de]",
    "Comment",
    "Comment[de]",
    "Keywords",
    "Keywords[de]",
    "StartupWMClass",
  ];
  const escaped = (key: string): string => key.replaceAll(/[[\]]/g, "\\$&");
  for (const key of keys) {
    const value = new RegExp(`^${escaped(key)}=(.*)$`, "m").exec(desktop)?.[1];
    expect([key, new RegExp(`^ {6}${escaped(key)}: (.*)$`, "m").exec(builder)?.[1]]).toEqual([key, value]);
  }
  expect(builder).toContain(`executableName: ${ID}`);
  expect(desktop).toContain(`Exec=${ID}\n`);
});

describe("Electron's fuses", () => {
  test("what would let the app run other code is off", () => {
    const fuses = Object.fromEntries(
      [...builder.matchAll(/^ {2}(\w+): (true|false)$/gm)].map(([, name, value]) => [
        name ?? "",
        value === "true",
      ]),
    );
    expect(fuses).toMatchObject({
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      onlyLoadAppFromAsar: true,
      grantFileProtocolExtraPrivileges: false,
    });
  });
});

test("the staged tree for the app's packages has what desktops, polkit and shells look for", () => {
  const clone = join(scratch, "clone");
  mkdirSync(clone);
  exec("sh", [
    "-c",
    `cd "$1" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory="$2" && ln -s "$1/node_modules" "$2/node_modules"`,
    "sh",
    ROOT,
    clone,
  ]);
  // stands for the app's bundle, and for electron-builder, which tells what it was asked
  mkdirSync(join(clone, "dist/main"), { recursive: true });
  writeFileSync(join(clone, "dist/main/main.mjs"), "");
  const builderProgram = join(scratch, "electron-builder");
  writeFileSync(builderProgram, `#!/bin/sh\necho "asked: $*"\n`, { mode: 0o755 });
  const run = spawnSync(
    process.execPath,
    [
      "scripts/package/app.mjs",
      "--electron",
      "/opt/electron",
      "--builder",
      builderProgram,
      "dir",
      "deb",
      "AppImage",
    ],
    {
      cwd: clone,
      encoding: "utf8",
      env: { ...process.env, SOURCE_DATE_EPOCH: "1700000000" },
    },
  );
  expect(run.stderr).toBe("");
  const asked = run.stdout.split("\n").filter((line) => line.startsWith("asked: "));
  expect(asked).toEqual([
    `asked: --linux deb --publish=never -c.electronDist=/opt/electron -c.directories.output=${clone}/release`,
    `asked: --linux dir --publish=never -c.electronDist=/opt/electron -c.directories.output=${clone}/release`,
    `asked: --linux AppImage --publish=never -c.electronDist=/opt/electron -c.directories.output=${clone}/release ` +
      "-c.extraResources.from=release/stage/root -c.extraResources.to=root",
  ]);
  const staged = exec("find", [join(clone, "release/stage/root"), "-type", "f", "-printf", "%P\n"]).split(
    "\n",
  );
  expect(staged).toEqual(
    expect.arrayContaining([
      "usr/bin/refold",
      "usr/lib/refold/node",
      "usr/lib/refold/refold-observe",
      "usr/lib/refold/refold-manage",
      "usr/share/polkit-1/actions/org.refold.Refold.policy",
      "usr/share/metainfo/org.refold.Refold.metainfo.xml",
      "usr/share/icons/hicolor/48x48/apps/org.refold.Refold.png",
      "usr/share/icons/hicolor/scalable/apps/org.refold.Refold.svg",
      "usr/share/icons/hicolor/symbolic/apps/org.refold.Refold-symbolic.svg",
      "usr/share/man/man1/refold.1.gz",
    ]),
  );
  expect(
    readFileSync(join(clone, "release/stage/root/usr/share/metainfo", `${ID}.metainfo.xml`), "utf8"),
  ).toContain(`date="2023-11-14"`);
});
