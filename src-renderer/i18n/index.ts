/** The window's texts: typed message objects, one file a view and language. */
import { createI18n, useI18n } from "vue-i18n";
import type { I18n } from "vue-i18n";
import { formatCount } from "../../src-common/format.ts";
import type { Locale } from "../../src-common/format.ts";
import de from "./de/index.ts";
import en, { type Messages } from "./en/index.ts";

export type { Locale } from "../../src-common/format.ts";

type Leaves<T> = {
  [K in keyof T & string]: T[K] extends string ? K : `${K}.${Leaves<T[K]>}`;
}[keyof T & string];
/** Every text's key: "volumes.title". A wrong one does not compile. */
export type TextKey = Leaves<Messages>;

export function createTexts(): I18n {
  return createI18n({
    legacy: false,
    locale: "en",
    fallbackLocale: "en",
    messages: { en, de },
    missingWarn: false,
    fallbackWarn: false,
    // a text that lacks a parameter must not take the view with it
    warnHtmlMessage: true,
  }) as unknown as I18n;
}

export interface Texts {
  /**
   * A text. plural chooses among its forms ("one file | {n} files"); {n} is then
   * the number as the locale writes it.
   */
  readonly t: (key: TextKey, values?: Readonly<Record<string, string>>, plural?: number) => string;
  /** "1 file", "1,204 files": a text with {n}. */
  readonly n: (key: TextKey, count: number, values?: Readonly<Record<string, string>>) => string;
  readonly locale: Locale;
}

/** The texts, in a component's setup. Reading through it follows the language. */
export function useTexts(): Texts {
  const i18n = useI18n({ useScope: "global" });
  const current = (): Locale => (i18n.locale.value === "de" ? "de" : "en");
  return {
    t: (key, values = {}, plural) =>
      plural === undefined ? i18n.t(key, values) : i18n.t(key, values, plural),
    n: (key, count, values = {}) => i18n.t(key, { n: formatCount(count, current()), ...values }, count),
    get locale() {
      return current();
    },
  };
}
