// A server may answer a message, or not, so time is held for some steps after each message of the page. Messages that begin alike are
// of one kind. The number of steps is halved with each message of a kind, and doubled when the server answers one. So a ping that is
// never answered soon costs one step. A message of the server counts as the answer to the last message of the page before it.
import { holdTime } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply, construct } = Reflect;
const { addEventListener } = EventTarget.prototype;
const { slice } = String.prototype;
const { max, min } = Math;
const { WebSocket } = globalThis;

const FIRST_ANSWER_STEPS = 128;
const MAX_ANSWER_STEPS = 256;
const KIND_CHARACTERS = 16;

/** @type {Map<string|null, number>} kind of message -> steps to wait for its answer */
const answerSteps = new Map();
/** @type {WeakMap<WebSocket, { kind: string|null, steps: number }>} */
const unanswered = new WeakMap();

/** @param {unknown} data */
const kindOf = (data) => (typeof data === "string" ? apply(slice, data, [0, KIND_CHARACTERS]) : null);

/**
 * @param {string[]} events
 * @param {WebSocket} socket
 * @param {() => void} listener
 */
const onFirst = (events, socket, listener) => {
  const once = { __proto__: null, once: true };
  for (const event of events) apply(addEventListener, socket, [event, listener, once]);
};

export function holdTimeForWebSockets() {
  wrap(globalThis, "WebSocket", {
    construct(target, args, newTarget) {
      const socket = construct(target, args, newTarget);
      onFirst(["open", "error", "close"], socket, holdTime("WebSocket"));
      const answered = () => {
        const sent = unanswered.get(socket);
        if (sent && unanswered.delete(socket)) answerSteps.set(sent.kind, min(2 * sent.steps, MAX_ANSWER_STEPS));
      };
      apply(addEventListener, socket, ["message", answered]);
      return socket;
    },
  });
  wrap(WebSocket?.prototype, "send", {
    apply(target, self, args) {
      apply(target, self, args);
      const kind = kindOf(args[0]);
      const steps = answerSteps.get(kind) ?? FIRST_ANSWER_STEPS;
      answerSteps.set(kind, max(1, steps >> 1));
      unanswered.set(self, { kind, steps });
      onFirst(["message", "close"], self, holdTime("WebSocket.send", { maxSteps: steps }));
    },
  });
}
