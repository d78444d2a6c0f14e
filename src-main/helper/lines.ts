import type { Readable } from "node:stream";
import { oneLine } from "../app/log.ts";

const MAX_LINE = 2000; // characters; more of a line is dropped, so that nobody fills the memory with one

/** Calls `take` with each line of a stream: escaped, cut to a length, empty ones left out. */
export function readLines(stream: Readable, take: (line: string) => void): void {
  let line = "";
  const put = (text: string): void => {
    if (line.length < MAX_LINE) line += text.slice(0, MAX_LINE - line.length);
  };
  const end = (): void => {
    if (line.trim() !== "") take(oneLine(line, MAX_LINE));
    line = "";
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const [first = "", ...rest] = chunk.split("\n");
    put(first);
    for (const part of rest) {
      end();
      put(part);
    }
  });
  stream.on("end", end);
  stream.on("error", end);
}
