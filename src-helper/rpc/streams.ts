import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { connect, Socket } from "node:net";
import { once } from "node:events";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { RefoldError } from "../engine/errors.ts";
import { call } from "../native/library.ts";

const STDOUT = 1;

/** The two directions of a connection. */
export interface Streams {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Standard input and output for the protocol alone. Whatever else of this
 * process writes to process.stdout, a library's console.log say, comes out on
 * standard error instead: one stray byte would break the stream.
 *
 * @throws RefoldError "usage" where standard output is no pipe or socket
 */
export function takeStreams(): Streams {
  const kind = fstatSync(STDOUT);
  if (!kind.isFIFO() && !kind.isSocket()) {
    throw new RefoldError("usage", "'refold rpc' is for the app: it speaks a protocol on pipes", {
      next: "`refold --help` lists what is for people.",
    });
  }
  const output = new Socket({ fd: STDOUT, readable: false, writable: true });
  Object.defineProperty(process, "stdout", { configurable: true, value: process.stderr });
  return { input: process.stdin, output };
}

const NONCE_BYTES = 64;

/**
 * The app's socket, where standard input and output cannot be had. Who listens
 * there must be the user who asked for this helper, and the directory must be
 * that user's alone. What it gets first is the nonce that lies beside it.
 *
 * @param environment PKEXEC_UID or SUDO_UID says who asked
 * @throws RefoldError "permission" where it is anybody else's
 */
export async function connectStreams(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Streams> {
  const asked = environment["PKEXEC_UID"] ?? environment["SUDO_UID"];
  if (asked === undefined) throw foreign("nobody asked for it by pkexec or sudo");
  const user = Number(asked);
  const directory = lstatSync(dirname(path));
  if (!directory.isDirectory() || directory.uid !== user || (directory.mode & 0o077) !== 0)
    throw foreign("its directory is not one user's alone");
  const nonce = readNonce(join(dirname(path), "nonce"), user);
  const socket = connect({ path });
  await once(socket, "connect");
  const peer = peerUser(socket);
  if (peer !== user) {
    socket.destroy();
    throw foreign(`user ${String(peer)} listens there, and user ${asked} asked`);
  }
  socket.write(nonce);
  return { input: socket, output: socket };
}

function foreign(why: string): RefoldError {
  return new RefoldError("permission", `the socket is not the app's: ${why}`, { kept: "Nothing was done." });
}

function readNonce(path: string, user: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== user || stat.size !== NONCE_BYTES) throw foreign("its nonce is none");
    const nonce = Buffer.alloc(NONCE_BYTES);
    readSync(fd, nonce, 0, NONCE_BYTES, 0);
    return nonce;
  } finally {
    closeSync(fd);
  }
}

/** SO_PEERCRED. Node keeps the fd in a private field: where it is not there, nobody is trusted. */
function peerUser(socket: Socket): number {
  const { fd } = (socket as unknown as { readonly _handle?: { readonly fd?: unknown } })._handle ?? {};
  if (typeof fd !== "number" || fd < 0) throw foreign("who listens there cannot be told");
  const credentials = new Float64Array(3);
  call("rf_peercred", fd, credentials);
  return credentials[1] ?? -1;
}
