/** Set in the environment of the process that rf_exec starts: it is the second one. */
export const MARK = "REFOLD_HARDENED";

/** Passed on where they are numbers: who asked (pkexec(1), sudo(8)). */
const CALLER_IDS = ["PKEXEC_UID", "SUDO_UID", "SUDO_GID"] as const;

/**
 * All that a helper's environment has. What steers the loader, Node, OpenSSL,
 * the C library's locale and time zone files, or SQLite is not in it.
 *
 * @param environment what the helper was started with
 */
export function cleanEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const clean: Record<string, string> = {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    LANG: "C.UTF-8",
    // the rings of io_uring are a way around a seccomp filter
    UV_USE_IO_URING: "0",
  };
  for (const name of CALLER_IDS) {
    const value = environment[name];
    if (value !== undefined && /^\d{1,10}$/.test(value)) clean[name] = value;
  }
  return clean;
}
