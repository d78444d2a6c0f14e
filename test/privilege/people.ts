/** What people run on the machine: the app, and their desktop's authentication agent. */
import { type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Args, InvokeName, Value } from "../../src-main/ipc/schema.ts";
import type { AppState, Task, TaskKind } from "../../src-main/ipc/state.ts";
import { CHIEF, SESSION, type Machine, type Person } from "./machine.ts";

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

/** The app as a person's own process; see app-process.ts. */
export class PersonsApp implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #machine: Machine;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();
  stderr = "";

  private constructor(machine: Machine, child: ChildProcessWithoutNullStreams) {
    this.#machine = machine;
    this.child = child;
    child.stderr.on("data", (text: Buffer) => (this.stderr += text.toString()));
    child.stdin.on("error", () => undefined);
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(
    machine: Machine,
    person: Person,
    which: "installed" | "clone" = "installed",
  ): Promise<PersonsApp> {
    const script = join(import.meta.dirname, "app-process.ts");
    const app = new PersonsApp(machine, machine.startScript(script, [which], person));
    await app.#answer();
    return app;
  }

  async #answer(): Promise<Answer> {
    const next = await this.#answers.next();
    if (next.done === true) throw new Error(`the app ended: ${this.stderr}`);
    return JSON.parse(next.value) as Answer;
  }

  /** One after another. @throws Error "code: message" for an answer that is an error */
  #ask(call: string, args: unknown): Promise<unknown> {
    const asked = this.#last.then(async () => {
      this.child.stdin.write(`${JSON.stringify({ call, args })}\n`);
      const answer = await this.#answer();
      if (!answer.ok) throw new Error(answer.error);
      return answer.value;
    });
    this.#last = asked.catch(() => undefined);
    return asked;
  }

  call<N extends InvokeName>(name: N, args: Args<N>): Promise<Value<N>> {
    return this.#ask(name, args) as Promise<Value<N>>;
  }
  state(): Promise<AppState> {
    return this.#ask("state", null) as Promise<AppState>;
  }
  log(): Promise<readonly string[]> {
    return this.#ask("log", null) as Promise<readonly string[]>;
  }
  finished(kind: TaskKind, volume: string): Promise<Task> {
    return this.#ask("finished", [kind, volume]) as Promise<Task>;
  }

  /** Ids on the machine of the helper that runs, and of the app. */
  async pids(): Promise<{ helper: string; app: string }> {
    const line = (await this.log()).findLast((one) => one.includes("runs as process"));
    const helper = /process (\d+)/.exec(line ?? "")?.[1] ?? "";
    return { helper, app: String(await this.#ask("pid", null)) };
  }

  /** Ends a process with SIGKILL. */
  async kill(pid: string): Promise<void> {
    (await this.#machine.run(["kill", "-KILL", pid])).expectCode(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.stdin.end();
    await exited;
  }
}

export interface Question {
  readonly action: string;
  readonly message: string;
}

/** A desktop's agent; see agent.ts. */
export class Agent implements AsyncDisposable {
  readonly questions: Question[] = [];
  readonly #child: ChildProcessWithoutNullStreams;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
  }

  /** Registers one for the person's session. "mistypes": another password than the administrator's. */
  static async start(
    machine: Machine,
    person: Person,
    how: "answers" | "mistypes" | "dismisses",
  ): Promise<Agent> {
    const password = how === "mistypes" ? "wrong" : CHIEF.password;
    const words = [SESSION, how === "dismisses" ? how : "answers", CHIEF.name, password];
    const child = machine.startScript(join(import.meta.dirname, "agent.ts"), words, person);
    const agent = new Agent(child);
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line === "ready") resolve();
        else agent.questions.push(JSON.parse(line) as Question);
      });
      child.once("exit", () => {
        reject(new Error(`the agent ended: ${stderr}`));
      });
    });
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    await exited;
  }
}
