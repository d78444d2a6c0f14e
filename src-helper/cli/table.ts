import { displayWidth } from "./terminal-text.ts";

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/**
 * Rows under their titles in aligned columns, two spaces between. Cells must
 * hold no colour codes. The last column is not padded.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((column, k) =>
    rows.reduce((width, row) => Math.max(width, displayWidth(row[k] ?? "")), displayWidth(column.title)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, k) => {
        const cell = cells[k] ?? "";
        const space = " ".repeat(Math.max(0, (widths[k] ?? 0) - displayWidth(cell)));
        return column.align === "right" ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...rows.map(line)];
}

/** "name  value" lines with the values under one another. */
export function fields(pairs: readonly (readonly [name: string, value: string])[], indent = "  "): string[] {
  const width = Math.max(...pairs.map(([name]) => displayWidth(name)));
  return pairs.map(([name, value]) =>
    `${indent}${name}${" ".repeat(width - displayWidth(name))}  ${value}`.trimEnd(),
  );
}
