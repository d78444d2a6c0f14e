import tseslint from "typescript-eslint";

/** Imports run one way: cli -> engine -> scan, dedupe, ... -> btrfs, volumes, store -> native. */
export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "native/", "coverage/"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.js"] } } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: ["src-helper/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { paths: ["electron"], patterns: ["**/src-main/**", "**/src-renderer/**", "**/test/**"] },
      ],
    },
  },
  {
    files: ["src-helper/engine/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", { paths: ["electron", "commander"], patterns: ["**/cli/**"] }],
    },
  },
  {
    // of the engine only its words: contract.ts and errors.ts
    files: ["src-helper/{scan,dedupe,journal}/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: ["electron", "commander"],
          patterns: [{ group: ["**/cli/**"] }, { regex: "/engine/(?!contract|errors)" }],
        },
      ],
    },
  },
  {
    files: ["src-helper/{native,btrfs,volumes,store}/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: ["electron", "commander"],
          patterns: [
            { group: ["**/cli/**", "**/scan/**", "**/dedupe/**", "**/journal/**"] },
            { regex: "/engine/(?!contract|errors)" },
          ],
        },
      ],
    },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    ...tseslint.configs.disableTypeChecked,
  },
  {
    files: ["**/*.mjs", "test/**/*.ts", "scripts/**"],
    rules: { "no-console": "off" },
  },
);
