import { Notification } from "electron";
import type { Message } from "../notifications/notifications.ts";

/** Those on the screen: one that nobody refers to would lose its click. */
const shown = new Set<Notification>();

/** Shows a message through the desktop; nothing where it shows none. */
export function notify(message: Message): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title: message.title, body: message.body });
  shown.add(notification);
  notification.on("click", () => {
    message.onClick();
  });
  notification.on("close", () => {
    shown.delete(notification);
  });
  notification.show();
}
