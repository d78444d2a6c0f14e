/**
 * What is left to a root helper, per capability and mode, and why. Each line is
 * shown to be needed by test/packaging/capabilities.test.ts: without it
 * something that Refold does fails.
 */

/** "observe": totals only. "manage": reviewing, folding, repairing. */
export type HelperMode = "observe" | "manage";

/** Numbers of linux/capability.h. */
export const CAPABILITY_NUMBERS = {
  CAP_CHOWN: 0,
  CAP_DAC_READ_SEARCH: 2,
  CAP_FOWNER: 3,
  CAP_LINUX_IMMUTABLE: 9,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_LEASE: 28,
} as const;
export type Capability = keyof typeof CAPABILITY_NUMBERS;

const OBSERVE: readonly Capability[] = [
  // BTRFS_IOC_TREE_SEARCH_V2, fsopen and fsmount of the top level
  "CAP_SYS_ADMIN",
  // open_by_handle_at, and reading other people's files for their fingerprints
  "CAP_DAC_READ_SEARCH",
  // O_NOATIME on other people's files
  "CAP_FOWNER",
];

const MANAGE: readonly Capability[] = [
  ...OBSERVE, // FIDEDUPERANGE into a file open for reading is CAP_SYS_ADMIN's, FSSETXATTR also CAP_FOWNER's
  // the immutable flag
  "CAP_LINUX_IMMUTABLE",
  // a read lease on a file of somebody else
  "CAP_LEASE",
  // /proc/PID/fd of others: the name of the process that has a file in use
  "CAP_SYS_PTRACE",
  // the files of the demo volume are given to the person who asked for it
  "CAP_CHOWN",
];

/** The capabilities that a helper of this mode keeps. */
export function neededCapabilities(mode: HelperMode): readonly Capability[] {
  return mode === "manage" ? MANAGE : OBSERVE;
}

/** As a bit mask; exact, since all of them are below 2^53. */
export function capabilityMask(capabilities: readonly Capability[]): number {
  return capabilities.reduce((mask, capability) => mask + 2 ** CAPABILITY_NUMBERS[capability], 0);
}
