// A navigation makes the browser begin the rest of the current budget anew, for the new document. So a new document of the page
// holds time until the clock has seen it and has replaced that budget.
import { handleMessages } from "./clock_messages.js";
import { settings } from "./settings.js";
import { holdTime } from "./time_holds.js";

export function holdTimeUntilClockSeesDocument() {
  if (window !== window.top) return;
  handleMessages({ newDocumentIsSeen: holdTime("a new document", { mark: settings.newDocumentMark }) });
}
