import type { Socket } from "node:net";
import { endianness } from "node:os";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred (unix(7)): pid, uid, gid, 32 bits each. */
const UCRED_BYTES = 12;

/**
 * The user at the other end of a Unix socket, as the kernel noted it when that
 * end connected. Node has no call for it: the C library is asked, with the fd
 * that Node keeps in a private field.
 *
 * @throws Error where it cannot be told: nobody is to be trusted then
 */
export async function peerUser(socket: Socket): Promise<number> {
  const { fd } = (socket as unknown as { readonly _handle?: { readonly fd?: unknown } })._handle ?? {};
  if (typeof fd !== "number" || fd < 0) throw new Error("the socket's file descriptor is not known");
  const { default: koffi } = await import("koffi");
  const getsockopt = koffi
    .load("libc.so.6")
    .func("int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)") as (
    ...values: [number, number, number, Buffer, Uint32Array]
  ) => number;
  const credentials = Buffer.alloc(UCRED_BYTES);
  const length = Uint32Array.of(UCRED_BYTES);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0 || length[0] !== UCRED_BYTES)
    throw new Error("the kernel did not say who is connected");
  return new DataView(credentials.buffer, credentials.byteOffset).getUint32(4, endianness() === "LE");
}
