import vue from "eslint-plugin-vue";
import tseslint from "typescript-eslint";

/** Imports run one way: cli -> engine -> scan, dedupe, ... -> btrfs, volumes, store -> native. */
export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "native/", "coverage/", "release/"] },
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
    files: ["src-helper/{scan,dedupe,journal,rules}/**/*.ts"],
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
            { group: ["**/cli/**", "**/scan/**", "**/dedupe/**", "**/journal/**", "**/rules/**"] },
            { regex: "/engine/(?!contract|errors)" },
          ],
        },
      ],
    },
  },
  {
    // of the helper only what both sides say to each other: its protocol
    files: ["src-main/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { group: ["**/src-renderer/**", "**/test/**"] },
            { regex: "/src-helper/(?!rpc/protocol|text/)" },
          ],
        },
      ],
    },
  },
  {
    // read by the main process and the pages: pure
    files: ["src-common/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: ["electron"],
          patterns: [
            { regex: "^node:" },
            { group: ["**/src-helper/**", "**/src-main/**", "**/src-renderer/**"] },
          ],
        },
      ],
    },
  },
  ...vue.configs["flat/recommended"].map((config) => ({
    ...config,
    files: ["src-renderer/**/*.vue"],
  })),
  {
    files: ["src-renderer/**/*.vue"],
    languageOptions: {
      parserOptions: { parser: tseslint.parser, projectService: true, extraFileExtensions: [".vue"] },
    },
    rules: {
      "vue/multi-word-component-names": "off",
      // of typed props the type says what is optional
      "vue/require-default-prop": "off",
      // prettier lays the templates out
      "vue/max-attributes-per-line": "off",
      "vue/multiline-html-element-content-newline": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": "off",
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
      // paths are shown as text, never as markup
      "vue/no-v-html": "error",
    },
  },
  {
    files: ["src-renderer/**/*.{ts,vue}"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: ["electron"],
          patterns: [
            { regex: "^node:" },
            { regex: "/src-helper/", allowTypeImports: true },
            { regex: "/src-main/", allowTypeImports: true },
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
