import { removeLeftovers } from "./leftovers.ts";

/** Run once before all test files. */
export default function setup(): void {
  for (const directory of removeLeftovers())
    console.log(`removed the leftovers of a killed run: ${directory}`);
}
