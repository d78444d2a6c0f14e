import { LOCALES } from "../../src-common/format.ts";
import type { Locale } from "../../src-common/format.ts";
import type { Settings } from "../settings/schema.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import type { Texts } from "./texts.ts";

export interface LocaleService {
  /** The language in use now: the setting's, or the desktop's. */
  current(): Locale;
  texts(): Texts;
}

const TEXTS: Readonly<Record<Locale, Texts>> = { en, de };

/**
 * The first of the desktop's languages that the app speaks; English where it speaks none.
 *
 * @param languages as app.getPreferredSystemLanguages tells them: "de-AT", "en_GB.UTF-8"
 */
export function pickLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    const base = language.toLowerCase().split(/[-_.@]/u)[0];
    const known = LOCALES.find((locale) => locale === base);
    if (known !== undefined) return known;
  }
  return "en";
}

/** Texts in the language that the person set, or the desktop has. Asked anew each time, so a change needs no restart. */
export function createLocale({
  setting,
  system,
}: {
  readonly setting: () => Settings["language"];
  /** Preferred first. */
  readonly system: () => readonly string[];
}): LocaleService {
  const current = (): Locale => {
    const language = setting();
    return language === "system" ? pickLocale(system()) : language;
  };
  return { current, texts: () => TEXTS[current()] };
}
