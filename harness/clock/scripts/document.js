// The set-up that all documents share.
import { drawFramesInVirtualTime } from "./animation_frames.js";
import { moveAnimationsInVirtualTime } from "./animations.js";
import { holdTimeForCalls } from "./common.js";
import { holdTimeForIdleCallbacks } from "./idle_callbacks.js";
import { holdTimeDuringNavigations } from "./navigations.js";
import { followVisibility } from "./next_frame.js";
import { holdTimeForObservers } from "./observers.js";
import { holdTimeForPorts } from "./ports.js";
import { holdTimeWhilePopupsOpen } from "./popups.js";
import { hideHoldRequests } from "./resource_timing.js";
import { holdTimeForViewTransitions } from "./view_transitions.js";
import { reportVisibility, workerAlarm } from "./worker_alarms.js";
import { holdTimeForWorkers } from "./worker_messages.js";

export function prepareDocument() {
  holdTimeDuringNavigations();
  holdTimeWhilePopupsOpen();
  followVisibility();
  holdTimeForObservers();
  moveAnimationsInVirtualTime();
  holdTimeForIdleCallbacks();
  holdTimeForViewTransitions();
  drawFramesInVirtualTime();
  hideHoldRequests();
  holdTimeForPorts();
  reportVisibility();
  holdTimeForWorkers(workerAlarm);
  holdTimeForCalls();
}
