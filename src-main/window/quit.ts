/** The way out of the app: a fold is never killed. */

export interface QuitDeps {
  readonly folding: () => boolean;
  /** Asks the person whether to stop the fold and quit. */
  readonly ask: () => Promise<boolean>;
  /** Takes the window away while the rest ends. */
  readonly hide: () => void;
  /** Ends everything: resolves when the helper has finished its step and is gone. */
  readonly shutdown: () => Promise<void>;
  /** Ends the process. */
  readonly exit: () => void;
  readonly onError: (error: unknown) => void;
}

export interface Quit {
  /** Quits; asks first where a fold runs. Asked again meanwhile, it does nothing. */
  readonly request: () => void;
  /** Quits without a question: the session ends, and there is nobody to answer. */
  readonly now: () => void;
  /** Everything has ended: windows may close, the process may go. */
  readonly done: boolean;
}

/** @returns the one way to quit */
export function createQuit(deps: QuitDeps): Quit {
  type State = "open" | "asking" | "ending" | "done";
  let state: State = "open";
  const is = (one: State): boolean => state === one;

  async function end(): Promise<void> {
    state = "ending";
    deps.hide();
    try {
      await deps.shutdown();
    } catch (error) {
      deps.onError(error);
    }
    state = "done";
    deps.exit();
  }

  async function askAndEnd(): Promise<void> {
    state = "asking";
    let wanted = false;
    try {
      wanted = await deps.ask();
    } catch (error) {
      deps.onError(error);
    }
    // now() may have come while the question was open
    if (!is("asking")) return;
    if (wanted) await end();
    else state = "open";
  }

  return {
    get done() {
      return state === "done";
    },
    request: () => {
      if (state === "open") void (deps.folding() ? askAndEnd() : end());
    },
    now: () => {
      if (state === "open" || state === "asking") void end();
    },
  };
}
