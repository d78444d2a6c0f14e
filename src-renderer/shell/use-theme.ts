import { watch } from "vue";
import { useApp } from "../stores/app.ts";

/** Keeps <html data-theme> as the settings have it; without one, the desktop decides. */
export function useTheme(): void {
  const app = useApp();
  watch(
    () => app.state?.settings.theme ?? "system",
    (theme) => {
      if (theme === "system") delete document.documentElement.dataset["theme"];
      else document.documentElement.dataset["theme"] = theme;
    },
    { immediate: true },
  );
}
