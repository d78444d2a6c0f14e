/** An event whose default a listener may prevent. */
export class PreventableEvent {
  defaultPrevented = false;
  readonly [key: string]: unknown;
  constructor(fields: Readonly<Record<string, unknown>> = {}) {
    Object.assign(this, fields);
  }
  preventDefault(): void {
    this.defaultPrevented = true;
  }
}
