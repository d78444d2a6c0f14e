/** Randomness from a seed, as the demo volume is made with it. */
export { below, contentBytes, logUniform, numbers } from "../../src-helper/demo/random.ts";
