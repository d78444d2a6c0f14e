import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { createAutostart } from "../../../src-main/autostart/autostart.ts";
import { execLine, readDesktopEntry } from "../../../src-main/autostart/desktop-entry.ts";
import { exec } from "../../support/exec.ts";
import { temporaryDirectory } from "./support.ts";

const make = (configHome: string, command: readonly string[] = ["/usr/bin/refold-app"]) =>
  createAutostart({ configHome, command });

describe("the file", () => {
  test("is written, valid, and removed", () => {
    const configHome = join(temporaryDirectory(), "config");
    const autostart = make(configHome);
    expect(autostart.path).toBe(join(configHome, "autostart", "org.refold.Refold.desktop"));
    expect(autostart.state()).toBe("off");
    autostart.set(true);
    expect(autostart.state()).toBe("on");
    expect(exec("desktop-file-validate", [autostart.path])).toBe("");
    expect(readdirSync(dirname(autostart.path))).toEqual(["org.refold.Refold.desktop"]);
    const keys = readDesktopEntry(readFileSync(autostart.path, "utf8"));
    expect(keys.get("Exec")).toBe('"/usr/bin/refold-app" "--hidden"');
    expect(keys.get("X-GNOME-Autostart-enabled")).toBe("true");
    autostart.set(false);
    expect(autostart.state()).toBe("off");
    autostart.set(false);
  });

  test("a desktop starts exactly the program that is meant, whatever its path holds", async () => {
    // no % in it: GLib looks for the program by the name before %% becomes %, and finds none
    const directory = join(temporaryDirectory(), "a b\"c'd\\e$HOME`id`;&<>|*?#()~é");
    mkdirSync(directory);
    const output = join(directory, "said");
    const program = join(directory, "program");
    writeFileSync(
      program,
      '#!/bin/sh\nprintf "%s\\0" "$0" "$@" > "$(dirname "$0")/said.new"\nmv "$(dirname "$0")/said.new" "$(dirname "$0")/said"\n',
    );
    chmodSync(program, 0o755);
    const command = [program, "", "--a=%u%%", "\\", '"', "$(x)"];
    const autostart = make(temporaryDirectory(), command);
    autostart.set(true);
    expect(exec("desktop-file-validate", [autostart.path])).toBe("");
    // GLib's reading of the file is that of GNOME, Xfce and most others
    const launched = spawnSync("gio", ["launch", autostart.path], { encoding: "utf8", timeout: 60_000 });
    expect(launched.stderr).toBe("");
    expect(launched.status).toBe(0);
    await expect.poll(() => readdirSync(directory), { timeout: 60_000, interval: 20 }).toContain("said");
    expect(readFileSync(output, "utf8").split("\0").slice(0, -1)).toEqual([...command, "--hidden"]);
  });

  test("a control character in the command is refused, and nothing is written", () => {
    expect(() => execLine(["/a\nb"])).toThrow(RangeError);
    const configHome = temporaryDirectory();
    const autostart = make(configHome, ["/a\nExec=evil"]);
    expect(() => {
      autostart.set(true);
    }).toThrow(RangeError);
    expect(readdirSync(configHome)).toEqual([]);
  });
});

describe("what the person chose in the desktop's settings", () => {
  const disabled = ["Hidden=true", "X-GNOME-Autostart-enabled=false"];

  test.each(disabled)("%s is respected at the start, and outweighed by a choice in the app", (line) => {
    const autostart = make(temporaryDirectory());
    mkdirSync(dirname(autostart.path), { recursive: true });
    const text = `# a comment\n[Other]\nHidden=false\n[Desktop Entry]\nType=Application\nName=Refold\n${line}\n`;
    writeFileSync(autostart.path, text);
    expect(autostart.state()).toBe("disabled");
    expect(autostart.sync(true)).toBe(false);
    expect(autostart.sync(false)).toBe(false);
    expect(readFileSync(autostart.path, "utf8")).toBe(text);
    autostart.set(true);
    expect(autostart.state()).toBe("on");
  });

  test("a key of another group is not the entry's", () => {
    const autostart = make(temporaryDirectory());
    mkdirSync(dirname(autostart.path), { recursive: true });
    writeFileSync(autostart.path, "[Desktop Entry]\nName=Refold\n[X-Other]\nHidden=true\n");
    expect(autostart.state()).toBe("on");
  });
});

test("a program that was moved: the next start mends the file", () => {
  const configHome = temporaryDirectory();
  make(configHome, ["/old/refold"]).set(true);
  const moved = make(configHome, ["/new/refold"]);
  expect(moved.sync(true)).toBe(true);
  expect(readFileSync(moved.path, "utf8")).toContain('"/new/refold"');
});
