// The set-up that documents and workers share.
import { holdTimeForBroadcasts } from "./broadcast_channels.js";
import { publishMessageHandlers } from "./clock_messages.js";
import { reportCookies } from "./cookies.js";
import { holdTimeForPendingCalls } from "./pending_calls.js";
import { holdTimeForServiceWorkers } from "./service_workers.js";
import { receiveSettings } from "./settings.js";
import { addSleepToWallClock } from "./sleep.js";
import { holdTimeForLocks } from "./web_locks.js";
import { holdTimeForWebSockets } from "./web_sockets.js";
import { hideTextOfWrappers } from "./wrap.js";

/** @param {import("./settings.js").Settings} settings */
export function begin(settings) {
  receiveSettings(settings);
  hideTextOfWrappers();
  addSleepToWallClock();
  publishMessageHandlers();
}

export function holdTimeForCalls() {
  holdTimeForPendingCalls();
  holdTimeForLocks();
  holdTimeForBroadcasts();
  holdTimeForWebSockets();
  holdTimeForServiceWorkers();
  reportCookies();
}
