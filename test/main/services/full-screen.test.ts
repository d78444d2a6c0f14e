import { execFileSync, spawn } from "node:child_process";
import { connect } from "node:net";
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isFullScreen } from "../../../src-main/power/full-screen.ts";

let server: ChildProcess;
let display: string;

/** A real X server, on a display number that it finds itself. */
beforeAll(async () => {
  server = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  display = await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => {
      reject(new Error(`Xvfb ended with ${String(code)}`));
    });
    let text = "";
    server.stdout?.on("data", (data: Buffer) => {
      text += data.toString();
      if (text.endsWith("\n")) resolve(`:${text.trim()}`);
    });
  });
});
afterAll(async () => {
  const gone = new Promise((resolve) => server.once("exit", resolve));
  server.kill();
  await gone;
});

const xprop = (...args: string[]): string =>
  execFileSync("xprop", ["-display", display, ...args], { encoding: "utf8" });
/**
 * The root window stands in for an app's: it has properties as any window has.
 * Its id is in the X server's greeting (X11 protocol, "Connection Setup").
 */
function rootWindow(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(`/tmp/.X11-unix/X${display.slice(1)}`);
    socket.once("error", reject);
    let greeting = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => {
      greeting = Buffer.concat([greeting, data]);
      if (greeting.length < 8 || greeting.length < 8 + greeting.readUInt16LE(6) * 4) return;
      const vendor = Math.ceil(greeting.readUInt16LE(24) / 4) * 4;
      const formats = greeting.readUInt8(29) * 8;
      resolve(`0x${greeting.readUInt32LE(40 + vendor + formats).toString(16)}`);
      socket.destroy();
    });
    // little-endian, protocol 11.0, no authorization
    socket.write(Buffer.from([0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
  });
}
const setActive = (window: string): void => {
  xprop("-root", "-f", "_NET_ACTIVE_WINDOW", "32x", "-set", "_NET_ACTIVE_WINDOW", window);
};
const setState = (state: string): void => {
  xprop("-root", "-f", "_NET_WM_STATE", "32a", "-set", "_NET_WM_STATE", state);
};

test("the active window's state decides", async () => {
  // no window manager has said anything yet
  expect(await isFullScreen({ DISPLAY: display })).toBe(false);
  setActive(await rootWindow());
  expect(await isFullScreen({ DISPLAY: display })).toBe(false);
  setState("_NET_WM_STATE_MAXIMIZED_VERT");
  expect(await isFullScreen({ DISPLAY: display })).toBe(false);
  setState("_NET_WM_STATE_FULLSCREEN");
  expect(await isFullScreen({ DISPLAY: display })).toBe(true);
  // nothing is active: the desktop itself
  setActive("0x0");
  expect(await isFullScreen({ DISPLAY: display })).toBe(false);
  // closed meanwhile
  setActive("0x7fffff");
  expect(await isFullScreen({ DISPLAY: display })).toBe(false);
});

test("a window manager's answer, with the type it gives", async () => {
  const asked: string[] = [];
  const answers = [
    "_NET_ACTIVE_WINDOW(WINDOW): window id # 0x3a00007, 0x0\n",
    "_NET_WM_STATE(ATOM) = _NET_WM_STATE_ABOVE, _NET_WM_STATE_FULLSCREEN\n",
  ];
  const answer = await isFullScreen({ DISPLAY: ":1" }, (program, args) => {
    asked.push([program, ...args].join(" "));
    return Promise.resolve(answers.shift() ?? null);
  });
  expect(answer).toBe(true);
  expect(asked).toEqual([
    "xprop -display :1 -root _NET_ACTIVE_WINDOW",
    "xprop -display :1 -id 0x3a00007 _NET_WM_STATE",
  ]);
});

test("not known is no: no display, one that is not there, no xprop", async () => {
  expect(await isFullScreen({})).toBe(false);
  expect(await isFullScreen({ DISPLAY: "" })).toBe(false);
  expect(await isFullScreen({ DISPLAY: ":9999" })).toBe(false);
  expect(await isFullScreen({ DISPLAY: display }, () => Promise.resolve(null))).toBe(false);
});
