import js from "@eslint/js";
import globals from "globals";

export default [
  {
    files: ["harness/**/*.js", "fake_pbi/embed_app/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      ...js.configs.recommended.rules,
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-else-return": "error",
      "no-implicit-coercion": "error",
      "no-lonely-if": "error",
      "no-unneeded-ternary": "error",
      "no-unused-expressions": ["error", { allowShortCircuit: true }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    // Each of these files is one function, an expression that Python puts into a larger script.
    files: ["harness/stage/scripts/*.js"],
    rules: { "no-unused-expressions": "off" },
  },
];
