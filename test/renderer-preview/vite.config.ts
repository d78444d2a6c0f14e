import vue from "@vitejs/plugin-vue";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/**
 * The window's page on invented data, for looking at it in any browser:
 *   npx vite --config test/renderer-preview/vite.config.ts
 *   http://localhost:5199/test/renderer-preview/index.html?scene=scanning#/volumes
 * Scenes: fake/scenes.ts.
 */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  base: "./",
  plugins: [vue()],
  server: { port: 5199, host: "127.0.0.1" },
  build: {
    emptyOutDir: true,
    // one file from the disk: its size is no download
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: fileURLToPath(new URL("./index.html", import.meta.url)) },
  },
});
