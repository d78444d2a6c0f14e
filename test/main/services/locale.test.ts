import { describe, expect, test } from "vitest";
import { createLocale, pickLocale } from "../../../src-main/locale/locale.ts";
import { de } from "../../../src-main/locale/de.ts";
import { en } from "../../../src-main/locale/en.ts";

describe("the language", () => {
  test.each([
    [["de-AT", "en-US"], "de"],
    [["de_DE.UTF-8"], "de"],
    [["fr-FR", "de"], "de"],
    [["EN"], "en"],
    [["fr", "ja"], "en"],
    [[], "en"],
    [["deutsch"], "en"],
    [["C"], "en"],
  ] as const)("%j is %s", (languages, locale) => {
    expect(pickLocale(languages)).toBe(locale);
  });

  test("a setting outweighs the desktop, and is asked anew", () => {
    let setting: "system" | "en" | "de" = "system";
    const locale = createLocale({ setting: () => setting, system: () => ["de-DE"] });
    expect(locale.current()).toBe("de");
    expect(locale.texts().tray.quit).toBe("Beenden");
    setting = "en";
    expect(locale.texts().tray.quit).toBe("Quit");
  });
});

/** Every text, by its path; functions are called with arguments that show. */
function all(texts: object, path = ""): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    const name = `${path}.${key}`;
    if (typeof value === "function") {
      return [1, 2].map((count) => [
        `${name}(${String(count)})`,
        (value as (...args: unknown[]) => string)(count, count, count),
      ]);
    }
    return typeof value === "object" && value !== null ? all(value, name) : [[name, String(value)]];
  });
}

describe("the texts", () => {
  const english = all(en);
  const german = all(de);

  test("both languages have the same ones, and none is empty", () => {
    expect(german.map(([name]) => name)).toEqual(english.map(([name]) => name));
    for (const [name, text] of [...english, ...german]) {
      expect(text, name).not.toBe("");
      expect(text, name).not.toContain("undefined");
    }
  });

  test("no text was forgotten in translating", () => {
    const same = english.filter(([name, text]) => new Map(german).get(name) === text).map(([name]) => name);
    // a line and its percentage: punctuation only
    expect(same).toEqual([".tray.progress(1)", ".tray.progress(2)"]);
  });

  test("one file and several", () => {
    expect(en.tray.fixStuck(1)).toBe("Fix 1 stuck file");
    expect(en.tray.fixStuck(1204)).toBe("Fix 1,204 stuck files");
    expect(de.tray.fixStuck(1)).toBe("1 gesperrte Datei freigeben");
    expect(de.tray.fixStuck(1204)).toBe("1.204 gesperrte Dateien freigeben");
  });
});
