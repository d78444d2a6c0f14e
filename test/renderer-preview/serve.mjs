import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { CONTENT_SECURITY_POLICY } from "../../src-main/security/content-security-policy.ts";

const CONFIG = fileURLToPath(new URL("./vite.config.ts", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
/** Builds the preview into a directory and serves it. @returns its address, and what ends it */
export async function servePreview(outDir) {
  await build({ configFile: CONFIG, logLevel: "warn", build: { outDir } });
  const server = createServer((request, response) => {
    if (request.url === "/favicon.ico") return void response.writeHead(204).end();
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    readFile(join(outDir, path)).then(
      (body) => {
        response.writeHead(200, {
          "content-type": TYPES[extname(path)] ?? "application/octet-stream",
          // what it refuses here it would refuse in the app
          "content-security-policy": CONTENT_SECURITY_POLICY,
        });
        response.end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}/test/renderer-preview/index.html`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
