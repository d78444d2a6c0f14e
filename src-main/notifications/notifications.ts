/** Notifications: only when long work has ended that nobody was looking at. */
import { formatBytes } from "../../src-common/format.ts";
import type { FoldResultInfo } from "../../src-helper/rpc/protocol.ts";
import type { View } from "../ipc/schema.ts";
import type { LocaleService } from "../locale/locale.ts";

const GIB = 1024 ** 3;
/** Less than this more, or than this share more, is no news. */
const NEWS_BYTES = GIB;
const NEWS_SHARE = 0.1;

export interface Message {
  readonly title: string;
  readonly body: string;
  readonly onClick: () => void;
}

export interface NotificationsDeps {
  /** The setting. */
  readonly enabled: () => boolean;
  /** The person sees the window: nothing has to be told twice. */
  readonly windowVisible: () => boolean;
  /** Puts it on the screen. */
  readonly show: (message: Message) => void;
  readonly locale: LocaleService;
  /** Opens the window at a view. */
  readonly open: (view: View, volume: string | null) => void;
}

interface Volume {
  readonly uuid: string;
  readonly label: string;
}

export interface Notifications {
  /** A scan ended. before: reclaimable bytes of the scan before, null where there was none. */
  scanEnded(volume: Volume, scan: { scheduled: boolean; before: number | null; after: number }): void;
  foldEnded(volume: Volume, result: FoldResultInfo): void;
  /** Files were found that a run left immutable. Told once for each number of them. */
  stuckFound(volume: Volume, ours: number): void;
}

/** Decides what is worth telling, and says it in the person's language. */
export function createNotifications(deps: NotificationsDeps): Notifications {
  const toldStuck = new Map<string, number>();

  function tell(title: string, body: string, view: View, volume: string): void {
    if (!deps.enabled() || deps.windowVisible()) return;
    deps.show({
      title,
      body,
      onClick: () => {
        deps.open(view, volume);
      },
    });
  }

  return {
    scanEnded: (volume, { scheduled, before, after }) => {
      const more = after - (before ?? 0);
      if (!scheduled || more < NEWS_BYTES || more < NEWS_SHARE * (before ?? 0)) return;
      const { notifications: texts } = deps.locale.texts();
      const locale = deps.locale.current();
      tell(
        texts.foundTitle(formatBytes(after, locale)),
        before === null
          ? texts.foundFirstBody(volume.label)
          : texts.foundBody(volume.label, formatBytes(more, locale)),
        "review",
        volume.uuid,
      );
    },
    foldEnded: (volume, result) => {
      // the person cancelled it: they know
      if (result.cancelled) return;
      const { notifications: texts } = deps.locale.texts();
      const skipped = Object.values(result.skippedCounts).reduce((sum, count) => sum + count, 0);
      tell(
        result.freedBytes > 0
          ? texts.foldedTitle(formatBytes(result.freedBytes, deps.locale.current()))
          : texts.foldedNothing,
        texts.foldedBody(volume.label, result.files, skipped),
        "volumes",
        volume.uuid,
      );
    },
    stuckFound: (volume, ours) => {
      const told = toldStuck.get(volume.uuid) ?? 0;
      toldStuck.set(volume.uuid, ours);
      if (ours === 0 || ours <= told) return;
      const { notifications: texts } = deps.locale.texts();
      tell(texts.stuckTitle(ours), texts.stuckBody(volume.label), "stuck", volume.uuid);
    },
  };
}
