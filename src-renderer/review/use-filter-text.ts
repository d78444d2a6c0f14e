/** What a part of the filter is called on its chip and in its menu. */
import { useTexts, type TextKey } from "../i18n/index.ts";
import { displayPath } from "../lib/path-text.ts";
import { useFormat } from "../lib/use-format.ts";
import type { Age, FilterPart } from "./model/filter.ts";
import { useReview } from "./store.ts";

const AGE_TEXTS: Readonly<Record<string, TextKey>> = {
  "newer 7": "review.filter.newerWeek",
  "newer 30": "review.filter.newerMonth",
  "newer 365": "review.filter.newerYear",
  "older 30": "review.filter.olderMonth",
  "older 365": "review.filter.olderYear",
  "older 1095": "review.filter.older3Years",
};

export function useFilterText(): {
  readonly partText: (part: FilterPart) => string;
  readonly ageText: (age: Omit<Age, "at">) => string;
} {
  const { t } = useTexts();
  const format = useFormat();
  const review = useReview();

  function ageText({ kind, days }: Omit<Age, "at">): string {
    return t(AGE_TEXTS[`${kind} ${days}`] ?? "review.filter.modified");
  }

  function partText(part: FilterPart): string {
    switch (part.kind) {
      case "larger":
        return t("review.filter.larger", { size: format.bytes(part.bytes) });
      case "smaller":
        return t("review.filter.smaller", { size: format.bytes(part.bytes) });
      case "type":
        return t(`review.types.${part.type}`);
      case "subvolume": {
        const path = review.facets?.subvolumes.find(({ id }) => id === part.id)?.path ?? String(part.id);
        return t("review.filter.inSubvolume", {
          name: path === "" ? t("review.filter.topLevel") : displayPath(path),
        });
      }
      case "owner": {
        const name = review.facets?.owners.find(({ uid }) => uid === part.uid)?.name ?? String(part.uid);
        return t("review.filter.ownedBy", { name: displayPath(name) });
      }
      case "age":
        return `${t("review.filter.modified")}: ${ageText(part.age)}`;
      case "folder":
        return t("review.filter.folder", { folder: displayPath(part.path) });
      case "kind":
        return t(part.of === "file" ? "review.filter.wholeFiles" : "review.filter.parts");
      case "ticked":
        return t(part.ticked === "ticked" ? "review.filter.ticked" : "review.filter.unticked");
    }
  }

  return { partText, ageText };
}
