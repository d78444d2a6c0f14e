import { defineConfig } from "vitest/config";

/**
 * Tests run on real loop volumes as root. Two files at a time: loop devices are
 * few, and more at once only makes every one of them slower.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "src-renderer/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    allowOnly: false,
    passWithNoTests: false,
  },
});
