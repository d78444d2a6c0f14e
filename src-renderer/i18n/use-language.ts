import { watch } from "vue";
import { useI18n } from "vue-i18n";
import { useApp } from "../stores/app.ts";

/** Keeps the texts in the language that the settings came to. */
export function useLanguage(): void {
  const app = useApp();
  const { locale } = useI18n({ useScope: "global" });
  watch(
    () => app.state?.locale ?? (navigator.language.startsWith("de") ? "de" : "en"),
    (next) => {
      locale.value = next;
      document.documentElement.lang = next;
    },
    { immediate: true },
  );
}
