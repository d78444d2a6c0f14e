import vue from "@vitejs/plugin-vue";
import { defineConfig } from "electron-vite";

/** What stays outside the bundles: Electron itself and packages that carry native code. */
const external = ["electron", "electron/main", "electron/renderer", "@resvg/resvg-js", "koffi", "x11"];

/** The app: dist/main (ESM), dist/preload (CommonJS, as a sandboxed preload must be), dist/renderer. */
export default defineConfig({
  main: {
    build: {
      externalizeDeps: false,
      outDir: "dist/main",
      sourcemap: true,
      minify: false,
      lib: { entry: "src-main/main.ts", formats: ["es"] },
      rolldownOptions: { external, output: { entryFileNames: "[name].mjs" } },
    },
  },
  preload: {
    build: {
      externalizeDeps: false,
      outDir: "dist/preload",
      sourcemap: true,
      minify: false,
      lib: { entry: "src-main/preload/preload.ts", formats: ["cjs"] },
      rolldownOptions: { external, output: { entryFileNames: "[name].cjs" } },
    },
  },
  renderer: {
    root: "src-renderer",
    base: "./",
    build: {
      outDir: "dist/renderer",
      emptyOutDir: true,
      sourcemap: true,
      rolldownOptions: { input: "src-renderer/index.html" },
    },
    plugins: [vue()],
  },
});
