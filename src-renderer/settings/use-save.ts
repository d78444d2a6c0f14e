import { onScopeDispose, ref, type Ref } from "vue";
import type { Settings, SettingsPatch } from "../../src-main/settings/schema.ts";
import { useApp } from "../stores/app.ts";

const SHOWN_FOR = 2500;

export interface Save {
  /** Setting that was saved just now; null a moment later. */
  readonly saved: Readonly<Ref<keyof Settings | null>>;
  /** Saves one setting at once. @returns whether it was (a toast says why not) */
  readonly save: <K extends keyof Settings>(key: K, value: Settings[K]) => Promise<boolean>;
}

/** Saves settings one by one and says which was saved. */
export function useSave(): Save {
  const app = useApp();
  const saved = ref<keyof Settings | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;

  onScopeDispose(() => {
    clearTimeout(timer);
  });
  return {
    saved,
    async save(key, value) {
      const patch: SettingsPatch = { [key]: value };
      if (!(await app.setSettings(patch))) return false;
      clearTimeout(timer);
      saved.value = key;
      timer = setTimeout(() => {
        saved.value = null;
      }, SHOWN_FOR);
      return true;
    },
  };
}
