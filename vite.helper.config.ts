import { builtinModules } from "node:module";
import { defineConfig } from "vite";

/** The root helper and the command line: one bundle, Node 24, native packages left outside. */
export default defineConfig({
  build: {
    ssr: true,
    target: "node24",
    outDir: "dist/helper",
    emptyOutDir: true,
    sourcemap: true,
    minify: false,
    rolldownOptions: {
      input: { refold: "src-helper/cli/main.ts" },
      output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs", format: "esm" },
      external: [/^node:/, ...builtinModules, "koffi", "better-sqlite3"],
    },
  },
  ssr: { noExternal: ["commander", "picomatch", "vscode-jsonrpc", "zod"] },
});
