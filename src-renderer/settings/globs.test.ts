import { describe, expect, it } from "vitest";
import { globProblem, openBracket } from "./globs.ts";

describe("patterns of the exclude list", () => {
  it.each([
    ["/home/me/VMs", [], null],
    ["*.{iso,img}", [], null],
    ["", [], "empty"],
    ["   ", [], "empty"],
    ["*.tmp", ["*.tmp"], "twice"],
    ["[abc", [], "brackets"],
    ["a\\[b", [], null],
    ["x".repeat(8193), [], "long"],
  ])("%j", (glob, list, problem) => {
    expect(globProblem(glob, list)).toBe(problem);
  });

  it("takes no more than a thousand", () => {
    const list = Array.from({ length: 1000 }, (_, k) => String(k));
    expect(globProblem("one more", list)).toBe("many");
  });

  it("names the bracket that stays open", () => {
    expect(openBracket("a{b[c]")).toBe("{");
    expect(openBracket("a]b")).toBeNull();
  });
});
