import { onMounted, onUnmounted } from "vue";
import { useTexts } from "../i18n/index.ts";
import { useApp } from "../stores/app.ts";
import { useRoute } from "../stores/route.ts";
import { useToasts } from "../stores/toasts.ts";
import { commandOf } from "./shortcuts.ts";

/** A view that can be searched listens to this on the window. */
export const SEARCH_EVENT = "refold:search";

const TYPING = "input, textarea, select, [contenteditable]";

/** Takes the window's shortcuts. @param showShortcuts opens their list */
export function useShortcuts(showShortcuts: () => void): void {
  const app = useApp();
  const route = useRoute();
  const toasts = useToasts();
  const { t } = useTexts();

  function scan(): void {
    const shown = app.volume(route.current.volume);
    if (app.volumes.length === 0) toasts.show(t("shell.scanNoVolumes"));
    else if (shown !== null && !app.isBusy(shown.uuid)) void app.scan(shown.uuid);
    else if (shown !== null || app.volumes.every((volume) => app.isBusy(volume.uuid)))
      toasts.show(t("shell.scanBusy"));
    else void app.scanAll();
  }

  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented) return;
    const target = event.target instanceof Element ? event.target : null;
    // behind a dialog nothing changes
    if (target?.closest("[role=dialog], [role=alertdialog], [role=menu], [role=listbox]")) return;
    const command = commandOf(event, target?.closest(TYPING) !== null && target !== null);
    if (command === null) return;
    // also keeps F5 and Ctrl+R from loading the page anew
    event.preventDefault();
    if (command.kind === "view") route.go(command.view);
    else if (command.kind === "scan") scan();
    else if (command.kind === "shortcuts") showShortcuts();
    else {
      if (route.current.view !== "review") route.go("review");
      // the view may have to be there first
      requestAnimationFrame(() => window.dispatchEvent(new Event(SEARCH_EVENT)));
    }
  }

  onMounted(() => {
    window.addEventListener("keydown", onKey);
  });
  onUnmounted(() => {
    window.removeEventListener("keydown", onKey);
  });
}
