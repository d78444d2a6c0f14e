/**
 * The few calls of Xlib that show and hide another program's window. Chromium
 * is linked with the library, so where it runs, this is there.
 * https://www.x.org/releases/current/doc/libX11/libX11/libX11.html
 */
import koffi from "koffi";

/** A window's number; 0 is none. */
export type WindowId = number;

const ANY_PROPERTY_TYPE = 0;
const REVERT_TO_PARENT = 2;
const CURRENT_TIME = 0;
/** XWindowAttributes, where a long has 8 bytes. */
const ATTRIBUTES_SIZE = 136;
const MAP_STATE_OFFSET = 92;
const IS_VIEWABLE = 2;

function load() {
  const library = koffi.load("libX11.so.6");
  const ErrorHandler = koffi.proto("int StandInXError(void *display, void *event)");
  const setErrorHandler = library.func("XSetErrorHandler", "void *", [koffi.pointer(ErrorHandler)]);
  // Xlib's own handler ends the program, and windows of others go at any time
  setErrorHandler(koffi.register(() => 0, koffi.pointer(ErrorHandler)));
  return {
    openDisplay: library.func("void *XOpenDisplay(const char *name)"),
    rootWindow: library.func("unsigned long XDefaultRootWindow(void *display)"),
    defaultScreen: library.func("int XDefaultScreen(void *display)"),
    width: library.func("int XDisplayWidth(void *display, int screen)"),
    height: library.func("int XDisplayHeight(void *display, int screen)"),
    queryTree: library.func(
      "int XQueryTree(void *display, unsigned long window, _Out_ unsigned long *root, _Out_ unsigned long *parent, _Out_ void **children, _Out_ unsigned int *count)",
    ),
    getGeometry: library.func(
      "int XGetGeometry(void *display, unsigned long window, _Out_ unsigned long *root, _Out_ int *x, _Out_ int *y, _Out_ unsigned int *width, _Out_ unsigned int *height, _Out_ unsigned int *border, _Out_ unsigned int *depth)",
    ),
    getAttributes: library.func(
      "int XGetWindowAttributes(void *display, unsigned long window, _Out_ uint8_t *attributes)",
    ),
    internAtom: library.func("unsigned long XInternAtom(void *display, const char *name, int only)"),
    getProperty: library.func(
      "int XGetWindowProperty(void *display, unsigned long window, unsigned long property, long offset, long length, int remove, unsigned long type, _Out_ unsigned long *actual, _Out_ int *format, _Out_ unsigned long *items, _Out_ unsigned long *after, _Out_ void **data)",
    ),
    free: library.func("int XFree(void *data)"),
    mapRaised: library.func("int XMapRaised(void *display, unsigned long window)"),
    withdraw: library.func("int XWithdrawWindow(void *display, unsigned long window, int screen)"),
    setInputFocus: library.func(
      "int XSetInputFocus(void *display, unsigned long window, int revert, unsigned long time)",
    ),
    sync: library.func("int XSync(void *display, int discard)"),
  };
}

export class Xlib {
  private readonly calls = load();
  private readonly display: unknown;
  private readonly pidAtom: number;

  private constructor(display: string) {
    const opened: unknown = this.calls.openDisplay(display);
    if (opened === null) throw new Error(`the display ${display} cannot be opened`);
    this.display = opened;
    this.pidAtom = this.calls.internAtom(opened, "_NET_WM_PID", 0) as number;
  }

  private static shared: Xlib | null | undefined;
  /** The display of the environment; null where there is none, or no Xlib. */
  static get(): Xlib | null {
    if (Xlib.shared !== undefined) return Xlib.shared;
    try {
      Xlib.shared = new Xlib(process.env["DISPLAY"] ?? "");
    } catch {
      Xlib.shared = null;
    }
    return Xlib.shared;
  }

  /** Pixels of the default screen. */
  size(): { readonly width: number; readonly height: number } {
    const screen = this.calls.defaultScreen(this.display) as number;
    return {
      width: this.calls.width(this.display, screen) as number,
      height: this.calls.height(this.display, screen) as number,
    };
  }

  private children(window: WindowId): WindowId[] {
    const [children, count] = [[null], [0]];
    if (this.calls.queryTree(this.display, window, [0], [0], children, count) === 0) return [];
    const [data] = children as unknown[];
    if (data === null) return [];
    const list = [...(koffi.decode(data, koffi.array("unsigned long", count[0] ?? 0)) as Iterable<number>)];
    this.calls.free(data);
    return list.map(Number);
  }

  private pid(window: WindowId): number {
    const [items, data] = [[0], [null]];
    this.calls.getProperty(
      this.display, window, this.pidAtom, 0, 1, 0, ANY_PROPERTY_TYPE, [0], [0], items, [0], data,
    ); // prettier-ignore
    const [value] = data as unknown[];
    if (value === null || value === undefined) return 0;
    const pid = (items[0] ?? 0) === 0 ? 0 : Number(koffi.decode(value, "unsigned long"));
    this.calls.free(value);
    return pid;
  }

  private area(window: WindowId): number {
    const [width, height] = [[0], [0]];
    const known = this.calls.getGeometry(
      this.display,
      window,
      [0],
      [0],
      [0],
      width,
      height,
      [0],
      [0],
    ) as number;
    return known === 0 ? 0 : (width[0] ?? 0) * (height[0] ?? 0);
  }

  /** The largest window of a process, also below a window manager's frame; 0: none yet. */
  windowOf(pid: number): WindowId {
    let found = 0;
    let area = 0;
    const visit = (window: WindowId, depth: number): void => {
      if (this.pid(window) === pid) {
        const size = this.area(window);
        if (size > area) [found, area] = [window, size];
      } else if (depth > 0) for (const child of this.children(window)) visit(child, depth - 1);
    };
    visit(this.calls.rootWindow(this.display) as number, 3);
    return found;
  }

  /** Whether it is on the screen, as far as it is not covered. */
  isViewable(window: WindowId): boolean {
    const attributes = Buffer.alloc(ATTRIBUTES_SIZE);
    if (this.calls.getAttributes(this.display, window, attributes) === 0) return false;
    return attributes.readInt32LE(MAP_STATE_OFFSET) === IS_VIEWABLE;
  }

  map(window: WindowId): void {
    this.calls.mapRaised(this.display, window);
    this.calls.sync(this.display, 0);
  }
  withdraw(window: WindowId): void {
    this.calls.withdraw(this.display, window, this.calls.defaultScreen(this.display));
    this.calls.sync(this.display, 0);
  }
  focus(window: WindowId): void {
    this.calls.setInputFocus(this.display, window, REVERT_TO_PARENT, CURRENT_TIME);
    this.calls.sync(this.display, 0);
  }
}
