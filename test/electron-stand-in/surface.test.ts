/** The module's surface against Electron's own types. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { absent, NotImplementedError, strict } from "./strict.ts";

const STAND_IN = join(import.meta.dirname, "electron.ts");
const TYPES = join(import.meta.dirname, "..", "..", "node_modules", "electron", "electron.d.ts");

function exportsOf(source: ts.Node): string[] {
  const names: string[] = [];
  source.forEachChild((node) => {
    if (ts.isVariableStatement(node)) {
      for (const { name } of node.declarationList.declarations) names.push(name.getText());
    } else if (ts.isClassDeclaration(node) && node.name !== undefined) names.push(node.name.text);
  });
  return names;
}
function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
}

test("every name that Electron exports is there, if only to say that it is missing", () => {
  let wanted: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isModuleDeclaration(node) && node.name.text === "CrossProcessExports" && node.body !== undefined) {
      wanted = exportsOf(node.body);
    }
    node.forEachChild(visit);
  };
  visit(parse(TYPES));
  expect(wanted).toContain("BrowserWindow");
  const own = parse(STAND_IN)
    .statements.filter(ts.isVariableStatement)
    .filter(({ modifiers }) => modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true)
    .flatMap(({ declarationList }) => declarationList.declarations.map(({ name }) => name.getText()));
  expect(own).toEqual(expect.arrayContaining(wanted));
});

test("what is absent throws however it is used", () => {
  const missing = absent("thing") as unknown as { new (): object; (): void; member: unknown };
  expect(() => missing.member).toThrow(new NotImplementedError("thing.member"));
  expect(() => (missing.member = 1)).toThrow(NotImplementedError);
  expect(() => {
    missing();
  }).toThrow(NotImplementedError);
  expect(() => new missing()).toThrow(NotImplementedError);
});

test("an object with a guard lets through what it has", () => {
  class Kept {
    private readonly held = new Map([["a", 1]]);
    get(key: string): number | undefined {
      return this.held.get(key);
    }
  }
  const guarded = strict(new Kept(), "kept") as Kept & { other?: unknown };
  expect(guarded.get("a")).toBe(1);
  expect(guarded).toBeInstanceOf(Kept);
  expect(() => guarded.other).toThrow("electron.kept.other is not implemented by test/electron-stand-in");
});
