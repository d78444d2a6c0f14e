/** The road to a helper that is not installed as root's own: sudo-prompt, and a socket instead of pipes. */
import { randomBytes } from "node:crypto";
import { access, chmod, constants, lstat, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { exec } from "sudo-prompt";
import { appError } from "../app/app-error.ts";
import {
  helperArguments,
  type Elevator,
  type Exit,
  type HelperCommand,
  type HelperProcess,
} from "./elevator.ts";
import { peerUser } from "./peer.ts";
import { explainPkexec } from "./pkexec.ts";

export interface SudoRoadOptions {
  /** XDG_RUNTIME_DIR: the user's alone, and gone when they log out. */
  readonly runtimeDir: string | undefined;
  /** Runs a shell's words as root, after somebody was asked. */
  readonly exec: typeof exec;
  /** Who is at the other end. */
  readonly peerUser: (socket: Socket) => Promise<number>;
}

const DEFAULTS: SudoRoadOptions = { runtimeDir: process.env["XDG_RUNTIME_DIR"], exec, peerUser };
/** The words go through two shells without quotes: nothing in them may mean anything to one. */
const PLAIN = /^[\w/.@+:,-]+$/;
const ROOT = 0;
/** 32 random bytes in hexadecimal. */
const NONCE_BYTES = 64;
/** sudo-prompt's own words where nothing can ask for the password. */
const NO_AGENT = "No polkit authentication agent found.";

/**
 * sudo-prompt hands out what a program wrote when it has ended, so the protocol
 * runs over a Unix socket: in a directory that is the user's alone, for one
 * client, which must be root's and know the nonce beside the socket. The helper
 * looks in turn whether it is the user who asked that listens.
 */
export function sudoRoad(command: HelperCommand, options: SudoRoadOptions = DEFAULTS): Elevator {
  return {
    road: "sudo-prompt",
    asks: true,
    start: async (mode) => {
      await access(command.program, constants.X_OK);
      const directory = await privateDirectory(options.runtimeDir);
      try {
        const socket = join(directory, "helper.sock");
        const nonce = randomBytes(NONCE_BYTES / 2).toString("hex");
        // root's shell begins in another directory
        const database = command.database === null ? null : resolve(command.database);
        const rules = command.rules === undefined ? undefined : resolve(command.rules);
        const words = [
          ...helperArguments({ ...command, database, rules }),
          "--mode",
          mode,
          "--socket",
          socket,
        ]
          .map(quote)
          .join(" ");
        // its own file: a path may have what a shell would act on
        await writeFile(join(directory, "start"), `exec ${quote(resolve(command.program))} ${words}\n`, {
          mode: 0o600,
        });
        await writeFile(join(directory, "nonce"), nonce, { mode: 0o600 });
        const server = await listen(socket);
        return run(directory, server, nonce, options);
      } catch (error) {
        await rm(directory, { recursive: true, force: true });
        throw error;
      }
    },
    explain: explainPkexec,
  };
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

async function privateDirectory(runtimeDir: string | undefined): Promise<string> {
  const unfit = (): never => {
    throw appError("permission", "Refold has no private directory to speak with its helper in.", {
      kept: "Nothing was changed.",
      next: "Log in through your desktop, so that XDG_RUNTIME_DIR is set, or use sudo refold in a terminal.",
    });
  };
  if (runtimeDir === undefined || !runtimeDir.startsWith("/") || !PLAIN.test(runtimeDir)) return unfit();
  const stat = await lstat(runtimeDir).catch(unfit);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) return unfit();
  return mkdtemp(join(runtimeDir, "refold-"));
}

async function listen(path: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(path, done);
  });
  // the directory keeps others out; a helper of root's without CAP_DAC_OVERRIDE is one of them to this file
  await chmod(path, 0o666);
  return server;
}

function run(directory: string, server: Server, nonce: string, options: SudoRoadOptions): HelperProcess {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { promise: exited, resolve: exit } = Promise.withResolvers<Exit | Error>();
  let client: Socket | null = null;
  let over = false;

  const finish = (result: Exit | Error): void => {
    if (over) return;
    over = true;
    server.close();
    client?.destroy();
    if (!stdout.writableEnded) stdout.end();
    // the app may end with its helper: the directory goes first
    const settle = (): void => {
      stderr.end(() => {
        exit(result);
      });
    };
    rm(directory, { recursive: true, force: true }).then(settle, settle);
  };
  server.on("connection", (socket) => {
    admit(socket, nonce, options).then(
      (rest) => {
        if (client !== null || over) {
          socket.destroy();
          return;
        }
        client = socket;
        server.close();
        socket.unshift(rest);
        socket.pipe(stdout);
        stdin.pipe(socket);
      },
      (error: unknown) => {
        socket.destroy();
        stderr.write(`a connection was refused: ${error instanceof Error ? error.message : String(error)}\n`);
      },
    );
  });

  // sudo-prompt writes its working directory into a shell's command
  if (!PLAIN.test(process.cwd())) process.chdir("/");
  options.exec(`/bin/sh ${join(directory, "start")}`, { name: "Refold" }, (error, _stdout, text) => {
    stderr.write(String(text ?? ""));
    if (error === undefined || (error as Error | null) === null) {
      finish({ code: 0, signal: null });
      return;
    }
    if (error.message === NO_AGENT) stderr.write("No authentication agent found\n");
    const { code } = error as Error & { readonly code?: unknown };
    finish(typeof code === "number" ? { code, signal: null } : error);
  });
  return {
    stdin,
    stdout,
    stderr,
    exited,
    terminate: () => {
      // to the helper that is the end of its input
      if (client !== null) client.destroy();
      else server.close();
    },
  };
}

/** Checks who connected. @returns what came after the nonce. @throws Error where it is not the helper */
async function admit(socket: Socket, nonce: string, options: SudoRoadOptions): Promise<Buffer> {
  socket.on("error", () => undefined); // its end follows
  const user = await options.peerUser(socket);
  if (user !== ROOT) throw new Error(`user ${String(user)} is not root`);
  let seen = Buffer.alloc(0);
  while (seen.length < NONCE_BYTES) {
    const chunk = await nextChunk(socket);
    if (chunk === null) throw new Error("it ended before its nonce");
    seen = Buffer.concat([seen, chunk]);
  }
  if (seen.toString("latin1", 0, NONCE_BYTES) !== nonce) throw new Error("its nonce is another one");
  return seen.subarray(NONCE_BYTES);
}

function nextChunk(socket: Socket): Promise<Buffer | null> {
  return new Promise((done) => {
    const settle = (chunk: Buffer | null): void => {
      socket.pause();
      socket.off("data", settle).off("end", ended).off("close", ended);
      done(chunk);
    };
    const ended = (): void => {
      settle(null);
    };
    socket.on("data", settle).on("end", ended).on("close", ended);
    socket.resume();
  });
}
