import { describe, expect, it } from "vitest";
import de from "./de/index.ts";
import en from "./en/index.ts";
import { createTexts } from "./index.ts";

type Tree = { readonly [key: string]: string | Tree };

function leaves(tree: Tree, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [[path + key, value] as [string, string]] : leaves(value, `${path}${key}.`),
  );
}
const english = new Map(leaves(en));
const german = new Map(leaves(de));
const parameters = (text: string): string[] => [...new Set(text.match(/\{\w+\}/gu))].sort();

describe("texts", () => {
  it("has every text in both languages, with the same parameters and as many forms", () => {
    expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of english) {
      const other = german.get(key) ?? "";
      expect([key, parameters(other)]).toEqual([key, parameters(text)]);
      expect([key, other.split(" | ").length]).toEqual([key, text.split(" | ").length]);
      expect([key, other.trim()]).not.toEqual([key, ""]);
    }
  });

  it("says one, many and none rightly, with the number as the language writes it", () => {
    const { t } = createTexts().global as unknown as {
      t: (key: string, values: Record<string, string>, plural: number) => string;
    };
    expect(t("common.files", { n: "1" }, 1)).toBe("1 file");
    expect(t("common.files", { n: "1,204" }, 1204)).toBe("1,204 files");
    expect(t("common.files", { n: "0" }, 0)).toBe("0 files");
  });

  it("compiles every text: no character in it has a meaning that was not meant", () => {
    const texts = createTexts().global as unknown as {
      locale: { value: string };
      t: (key: string, values: Record<string, string>, plural: number) => string;
    };
    for (const [locale, messages] of [
      ["en", english],
      ["de", german],
    ] as const) {
      texts.locale.value = locale;
      for (const [key, text] of messages) {
        const values = Object.fromEntries(parameters(text).map((name) => [name.slice(1, -1), "§"]));
        const many = text.split(" | ").at(-1) ?? "";
        expect([key, texts.t(key, values, 2)]).toEqual([key, many.trim().replace(/\{\w+\}/gu, "§")]);
      }
    }
  });
});
