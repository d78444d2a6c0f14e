import { defineConfig } from "@playwright/test";

/**
 * The app end to end (test/e2e): one test at a time, since loop devices and
 * memory are few, and no second try, since what fails now and then is broken.
 */
export default defineConfig({
  testDir: "test/e2e",
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  outputDir: "test-results",
  use: { actionTimeout: 15_000 },
});
