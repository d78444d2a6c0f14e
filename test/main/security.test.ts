import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appFile, APP_ORIGIN, serveAppFile } from "../../src-main/security/app-files.ts";
import { isAllowedExternal } from "../../src-main/security/navigation.ts";
import { senderFault } from "../../src-main/security/sender.ts";
import { safeWebPreferences } from "../../src-main/security/web-preferences.ts";

let outside: string;
let root: string;
beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), "refold-pages-"));
  root = join(outside, "renderer");
  mkdirSync(join(root, "assets"), { recursive: true });
  mkdirSync(join(outside, "renderer-secret"));
  writeFileSync(join(root, "index.html"), "<!doctype html><title>Grüße</title>");
  writeFileSync(join(root, "assets", "a b.js"), "export {}");
  writeFileSync(join(root, "assets", "x.js.map"), "{}");
  writeFileSync(join(outside, "secret.js"), "secret");
  writeFileSync(join(outside, "renderer-secret", "s.js"), "secret");
  symlinkSync("/etc", join(root, "etc"));
});
afterAll(() => {
  rmSync(outside, { recursive: true });
});

const get = (url: string, method = "GET"): Promise<Response> => serveAppFile(root, { url, method });

describe("app://refold", () => {
  it("serves the pages with their types, and nothing that is sniffed", async () => {
    const page = await get("app://refold/");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("Grüße");
    expect((await get("app://refold/index.html?x=1#/review")).status).toBe(200);
    const script = await get("app://refold/assets/a%20b.js");
    expect([await script.text(), script.headers.get("content-type")]).toEqual([
      "export {}",
      "text/javascript; charset=utf-8",
    ]);
    expect(script.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("has a policy that allows nothing inline, no network and no frames", async () => {
    for (const url of ["app://refold/", "app://refold/assets/a%20b.js", "app://refold/none.js"]) {
      const policy = (await get(url)).headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
    }
  });

  it.each([
    "app://refold/../secret.js",
    "app://refold/%2e%2e/secret.js",
    "app://refold/..%2fsecret.js",
    "app://refold/%2e%2e%2fsecret.js",
    "app://refold/assets/..%2f..%2fsecret.js",
    "app://refold/..%5csecret.js",
    "app://refold/..%2frenderer-secret%2fs.js",
    "app://refold//etc/passwd",
    "app://refold/%2fetc%2fpasswd",
    "app://refold/index.html%00.js",
    "app://refold/%zz",
    "app://refold/assets/x.js.map",
    "app://refold/assets",
    "app://refold/etc/passwd",
    "app://refold/none.js",
    "app://refold:80/index.html",
    "app://other/index.html",
    "app://refold@other/index.html",
    "file:///etc/passwd",
    "https://refold/index.html",
    "nonsense",
  ])("refuses %s", async (url) => {
    const response = await get(url);
    expect([response.status, await response.text()]).toEqual([404, ""]);
  });

  it("answers only what reads", async () => {
    expect((await get("app://refold/", "POST")).status).toBe(405);
    const head = await get("app://refold/", "HEAD");
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("names a file only below its own directory", () => {
    expect(appFile("/opt/r", "app://refold/a/b.js")).toBe("/opt/r/a/b.js");
    expect(appFile("/opt/r", "app://refold//a.js")).toBe("/opt/r/a.js");
  });
});

describe("the sender of a call", () => {
  const contents = {};
  const frame = (url: string, parent: unknown = null) => ({ sender: contents, senderFrame: { url, parent } });
  const fault = (caller: Parameters<typeof senderFault>[0]) => senderFault(caller, contents, APP_ORIGIN);

  it("is the main frame of the app's window on the app's page", () => {
    expect(fault(frame("app://refold/index.html#/review"))).toBeNull();
    expect(fault(frame("app://refold/"))).toBeNull();
  });

  it.each<[string, Parameters<typeof senderFault>[0]]>([
    ["another window", { ...frame("app://refold/"), sender: {} }],
    ["a frame in it", frame("app://refold/", { url: "app://refold/" })],
    ["a frame that is gone", { sender: contents, senderFrame: null }],
    ["another page", frame("https://example.org/")],
    ["another host", frame("app://refold.evil/")],
    ["a host that begins alike", frame("app://refoldevil/")],
    ["an empty page", frame("about:blank")],
    ["a file", frame("file:///app://refold/")],
  ])("is not %s", (_what, caller) => {
    expect(fault(caller)).toBeTypeOf("string");
  });

  it("is nobody while there is no window", () => {
    expect(senderFault(frame("app://refold/"), null, APP_ORIGIN)).toBeTypeOf("string");
  });
});

describe("links", () => {
  it.each<[string, boolean]>([
    ["https://btrfs.readthedocs.io/en/latest/", true],
    ["http://btrfs.readthedocs.io/", false],
    ["https://btrfs.readthedocs.io.evil.org/", false],
    ["https://user:pw@github.com/", false],
    ["https://github.com:8443/", false],
    ["file:///usr/bin/true", false],
    ["javascript:alert(1)", false],
    ["smb://host/share", false],
    ["nonsense", false],
  ])("%s is opened in the browser: %s", (url, allowed) => {
    expect(isAllowedExternal(url)).toBe(allowed);
  });
});

describe("the page's rights", () => {
  it("are a sandbox's", () => {
    expect(safeWebPreferences("/p")).toMatchObject({
      ...{ preload: "/p", sandbox: true, contextIsolation: true, webSecurity: true },
      ...{ nodeIntegration: false, nodeIntegrationInWorker: false, nodeIntegrationInSubFrames: false },
      ...{ webviewTag: false, allowRunningInsecureContent: false },
    });
  });
});
