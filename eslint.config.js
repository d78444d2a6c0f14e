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
    files: ["src-helper/{native,btrfs,volumes,scan,store,dedupe,journal,engine}/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", { paths: ["electron", "commander"], patterns: ["**/cli/**"] }],
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
