/**
 * One line of the table has the focus, wherever it is scrolled to. It is remembered by group and file, not by its
 * place on the screen, and its element is kept while it has the focus.
 */
import { nextTick, ref, type Ref } from "vue";
import type { Line } from "./model/expanded.ts";
import type { TableModel } from "./model/table-model.ts";

export interface GridActions {
  scrollTo(line: number): void;
  /** Lines on one screen. */
  pageLines(): number;
  tick(line: number): void;
  menu(line: number, element: HTMLElement): void;
}

export interface GridFocus {
  readonly active: Ref<Line>;
  activeLine(): number;
  /** Makes a line the active one and focuses it. */
  focus(line: number): Promise<void>;
  /** A line was clicked or otherwise got the focus. */
  activate(line: number): void;
  /** From the beginning: another list. */
  reset(): void;
  onKey(event: KeyboardEvent): void;
  /** Lines have changed: the focus goes where its line went, or to what took its place. */
  follow(): void;
}

export function useGridFocus(
  table: TableModel,
  root: Ref<HTMLElement | null>,
  actions: GridActions,
): GridFocus {
  const active = ref<Line>({ group: 0, file: null });
  let hadFocus = false;

  function activeLine(): number {
    return Math.max(0, Math.min(table.lineOf(active.value), table.lines - 1));
  }
  function activate(line: number): void {
    active.value = table.locate(line);
    hadFocus = true;
  }
  function elementOf(line: number): HTMLElement | null {
    return root.value?.querySelector<HTMLElement>(`[data-line="${line}"]`) ?? null;
  }
  async function focus(line: number): Promise<void> {
    if (table.lines === 0) return;
    const to = Math.max(0, Math.min(line, table.lines - 1));
    activate(to);
    actions.scrollTo(to);
    await nextTick();
    elementOf(to)?.focus({ preventScroll: true });
  }

  function follow(): void {
    const line = table.lineOf(active.value);
    if (line >= table.lines && table.lines > 0) active.value = table.locate(table.lines - 1);
    void nextTick(() => {
      // its element went away under it
      if (!hadFocus || document.activeElement !== document.body) return;
      elementOf(activeLine())?.focus({ preventScroll: true });
    });
  }

  function setOpen(line: number, open: boolean): void {
    table.setOpen(table.locate(line).group, open);
  }

  function move(event: KeyboardEvent): number | null {
    const line = activeLine();
    switch (event.key) {
      case "ArrowDown":
        return line + 1;
      case "ArrowUp":
        return line - 1;
      case "Home":
        return 0;
      case "End":
        return table.lines - 1;
      case "PageDown":
        return line + Math.max(1, actions.pageLines() - 1);
      case "PageUp":
        return line - Math.max(1, actions.pageLines() - 1);
      default:
        return null;
    }
  }

  function act(event: KeyboardEvent, element: HTMLElement): boolean {
    const line = activeLine();
    const at = table.lineAt(line);
    switch (event.key) {
      case " ":
        actions.tick(line);
        return true;
      case "Enter":
        if (at.kind === "group") setOpen(line, !at.open);
        return true;
      case "ArrowRight":
        if (at.kind === "group" && !at.open) setOpen(line, true);
        else if (at.kind === "group") void focus(line + 1);
        return true;
      case "ArrowLeft":
        if (at.kind === "group") setOpen(line, false);
        else void focus(table.lineOf({ group: at.group, file: null }));
        return true;
      case "ContextMenu":
        actions.menu(line, element);
        return true;
      case "F10":
        if (event.shiftKey) actions.menu(line, element);
        return event.shiftKey;
      default:
        return false;
    }
  }

  function onKey(event: KeyboardEvent): void {
    const element = event.target;
    // keys of controls in a row are theirs
    if (!(element instanceof HTMLElement) || element.dataset["line"] === undefined) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const to = move(event);
    if (to !== null) void focus(to);
    else if (!act(event, element)) return;
    event.preventDefault();
  }

  return {
    active,
    activeLine,
    focus,
    activate,
    reset: () => {
      active.value = { group: 0, file: null };
    },
    onKey,
    follow,
  };
}
