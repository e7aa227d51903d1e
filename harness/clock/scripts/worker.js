// The script that a worker runs before its own script.
import { begin, holdTimeForCalls } from "./common.js";
import { holdTimeForPorts } from "./ports.js";
import { receiveInWorker, reportMarkers } from "./worker_markers.js";
import { holdTimeForWorkers } from "./worker_messages.js";
import { replaceTimers } from "./worker_timers.js";

/** @param {import("./settings.js").Settings} settings */
export function main(settings) {
  begin(settings);
  reportMarkers();
  replaceTimers();
  holdTimeForPorts(receiveInWorker);
  holdTimeForWorkers(() => receiveInWorker);
  holdTimeForCalls();
}
