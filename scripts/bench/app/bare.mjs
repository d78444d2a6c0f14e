/** The least app there is, to weigh the real one against: one window, one page of one line, the same rights. */
import { app, BrowserWindow, protocol } from "electron";

app.enableSandbox();
app.setName("refold-bench-bare");
protocol.registerSchemesAsPrivileged([{ scheme: "app", privileges: { standard: true, secure: true } }]);
void app.whenReady().then(() => {
  protocol.handle(
    "app",
    () =>
      new Response("<!doctype html><title>Bare</title><h1>Hello</h1>", {
        headers: { "content-type": "text/html; charset=utf-8" },
      }),
  );
  const window = new BrowserWindow({
    width: 1180,
    height: 760,
    show: false,
    webPreferences: { sandbox: true, contextIsolation: true },
  });
  window.once("ready-to-show", () => window.show());
  void window.loadURL("app://bare/index.html");
});
