// The script that each frame of a popup runs before its own scripts.
import { begin } from "./common.js";
import { prepareDocument } from "./document.js";

/** @param {import("./settings.js").Settings} settings */
export function main(settings) {
  begin(settings);
  prepareDocument();
}
