import { builtinModules } from "node:module";
import { defineConfig } from "vite";

/**
 * The root helper and the command line: one bundle, Node 24, native packages
 * left outside. CommonJS, since an ES module that imports one of Node's own
 * touches all that this exports, and has it loaded: a fifth of a short command.
 */
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
      output: { entryFileNames: "[name].cjs", chunkFileNames: "[name]-[hash].cjs", format: "cjs" },
      external: [/^node:/, ...builtinModules, "koffi", "better-sqlite3"],
    },
  },
  ssr: { noExternal: ["commander", "picomatch", "vscode-jsonrpc", "zod"] },
});
