/** The app's entry: what has to happen before it is ready, and the one instance there is. */
import { join } from "node:path";
import { app, protocol } from "electron";
import { registerAppScheme } from "./security/app-scheme.ts";
import { launchArguments } from "./window/launch-arguments.ts";
import { startDesktopApp } from "./window/desktop-app.ts";

// every renderer, also one that nobody asked for
app.enableSandbox();
app.setName("refold");
// of a file that is started by its path Electron does not know the name
app.setPath("userData", join(app.getPath("appData"), "refold"));
registerAppScheme(protocol);

if (app.requestSingleInstanceLock()) {
  const started = app.whenReady().then(() => startDesktopApp(launchArguments(process.argv)));
  app.on("second-instance", (_event, argv) => {
    void started.then((window) => {
      const { hidden, view } = launchArguments(argv);
      // the session's autostart must not open what a person has closed
      if (!hidden) window.show(view);
    });
  });
  started.catch((error: unknown) => {
    process.stderr.write(
      `refold: it cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    app.exit(1);
  });
} else {
  // the first instance shows its window
  app.exit(0);
}
