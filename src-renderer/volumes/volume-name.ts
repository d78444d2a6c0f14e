import type { VolumeInfo } from "../../src-helper/rpc/protocol.ts";
import { displayPath, displayText, shortenMiddle } from "../lib/path-text.ts";

/** A label is at most 255 bytes; more than this no line shows. */
const MOST = 80;

/** What a volume is called: its label, else where it is mounted, else its uuid. Safe to show. */
export function volumeName(volume: Pick<VolumeInfo, "label" | "mountPath" | "uuid">): string {
  const label = volume.label.trim();
  if (label !== "") return shortenMiddle(displayText(label), MOST);
  return volume.mountPath === "" ? volume.uuid : shortenMiddle(displayPath(volume.mountPath), MOST);
}
