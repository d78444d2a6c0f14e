/** One instance for each userData directory: a file that names its owner, and a socket to tell it of others. */
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Greeting {
  readonly argv: string[];
  readonly cwd: string;
  readonly data: unknown;
}

/** Start time of a process in clock ticks, so that a number that is used again is not taken for it. */
function startTime(pid: string): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

/** sun_path holds 108 bytes. */
function socketPath(directory: string): string {
  const path = join(directory, "stand-in.sock");
  if (Buffer.byteLength(path) < 108) return path;
  return join(tmpdir(), `stand-in-${createHash("sha256").update(path).digest("hex").slice(0, 16)}.sock`);
}

export class SingleInstance {
  private lockFile: string | null = null;
  /** A greeting that is on its way; the process must not end before it is there. */
  greeting: Promise<void> = Promise.resolve();

  get held(): boolean {
    return this.lockFile !== null;
  }

  /**
   * Takes the lock, or greets who has it.
   *
   * @returns whether this is the one instance
   */
  request(directory: string, data: unknown, onSecond: (greeting: Greeting) => void): boolean {
    if (this.held) return true;
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "stand-in.lock");
    const own = `${process.pid} ${String(startTime(String(process.pid)))}`;
    for (let tries = 0; tries < 3; tries++) {
      try {
        const fd = openSync(file, "wx", 0o600);
        writeSync(fd, own);
        closeSync(fd);
        this.lockFile = file;
        this.listen(socketPath(directory), onSecond);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const [pid = "", started] = (() => {
        try {
          return readFileSync(file, "latin1").split(" ");
        } catch {
          return [];
        }
      })();
      if (pid !== "" && startTime(pid) === started) {
        this.greet(socketPath(directory), { argv: process.argv, cwd: process.cwd(), data });
        return false;
      }
      // it was killed
      rmSync(file, { force: true });
    }
    return false;
  }

  release(): void {
    if (this.lockFile !== null) rmSync(this.lockFile, { force: true });
    this.lockFile = null;
  }

  private listen(path: string, onSecond: (greeting: Greeting) => void): void {
    rmSync(path, { force: true });
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let text = "";
      socket.setEncoding("utf8");
      socket.on("error", () => undefined);
      socket.on("data", (chunk: string) => {
        text += chunk;
      });
      socket.on("end", () => {
        try {
          onSecond(JSON.parse(text) as Greeting);
        } finally {
          socket.end("seen");
        }
      });
    });
    server.listen(path);
    server.unref();
  }

  private greet(path: string, greeting: Greeting): void {
    this.greeting = new Promise((resolve) => {
      let tries = 0;
      const attempt = (): void => {
        const socket = connect(path, () => {
          socket.end(JSON.stringify(greeting));
        });
        socket.on("close", (failed) => {
          // the first one may not listen yet
          if (failed && ++tries < 50) setTimeout(attempt, 100);
          else resolve();
        });
        socket.on("error", () => undefined);
        socket.resume();
      };
      attempt();
    });
  }
}
