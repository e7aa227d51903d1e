// The script that each frame of a page runs before its own scripts.
import { begin } from "./common.js";
import { prepareDocument } from "./document.js";
import { holdTimeUntilClockSeesDocument } from "./new_document.js";

/** @param {import("./settings.js").Settings} settings */
export function main(settings) {
  begin(settings);
  holdTimeUntilClockSeesDocument();
  prepareDocument();
}
