// What the browser does when it draws, it does by real time, 60 times a second: observers of sizes and of what is in view look
// then, animations get on, views change. So time waits for a frame where a page has asked for what comes with one.
((hold, wrap) => {
  const { apply } = Reflect;
  const { clearTimeout, document, performance, requestAnimationFrame, setTimeout, MessageChannel, MutationObserver } = window;
  const { then } = Promise.prototype;
  const { postMessage } = MessagePort.prototype;
  const { addEventListener } = EventTarget.prototype;
  const { observe } = MutationObserver.prototype;
  const { get: timelineOf } = Object.getOwnPropertyDescriptor(Document.prototype, "timeline");
  const PATIENCE = { steps: 100 }; // a document that is not on the screen has no frames
  const ONCE = { __proto__: null, once: true };
  let isAsked = false;
  let end = () => {};
  let channel = null;

  const needFrame = () => {
    if (isAsked || document.hidden) return;
    isAsked = true;
    end = hold("a frame", PATIENCE);
    now(); // animations get on to this moment
    requestAnimationFrame(nextTask);
  };
  const nextTask = () => {
    if (!channel) {
      channel = new MessageChannel();
      apply(addEventListener, channel.port2, ["message", drawn]);
      channel.port2.start();
    }
    apply(postMessage, channel.port1, [null]);
  };
  const drawn = () => {
    isAsked = false;
    end();
    getOn();
  };
  const shown = () => (watcher || running.size > 0) && needFrame();
  apply(addEventListener, document, ["visibilitychange", () => (document.hidden ? end() : shown())]);

  // Whatever changes may concern an observer. A page that changes all the time would get on by real time alone, so each change
  // has its frame at once only where there are not too many.
  const EVERYTHING = { attributes: true, characterData: true, childList: true, subtree: true };
  const AT_ONCE = 20;
  const ONE_MORE = 15_000;
  let allowed = AT_ONCE;
  let counted = 0;
  let later = null;
  let watcher = null;
  const changed = () => {
    if (later !== null) return;
    const time = performance.now();
    allowed = Math.min(AT_ONCE, allowed + (time - counted) / ONE_MORE);
    counted = time;
    if (allowed < 1) later = setTimeout(again, Math.ceil((1 - allowed) * ONE_MORE));
    else if (allowed--) needFrame();
  };
  const again = () => {
    later = null;
    changed();
  };
  for (const observer of [window.IntersectionObserver, window.ResizeObserver]) {
    wrap(observer?.prototype, "observe", {
      apply(target, self, args) {
        apply(target, self, args);
        if (!watcher) apply(observe, (watcher = new MutationObserver(changed)), [document, EVERYTHING]);
        needFrame();
      },
    });
  }

  // The browser stamps an animation with the time of its first frame, which is real.
  const begun = new Map();
  const running = new Set();
  let timer = null;
  const now = () => apply(timelineOf, document, []).currentTime;
  const getOn = () => {
    for (const [animation, at] of begun) {
      if (animation.pending) needFrame();
      else if (begun.delete(animation) && animation.startTime !== null) animation.startTime = at;
    }
    clearTimeout(timer);
    const left = [...running].map(untilEnd).filter((milliseconds) => milliseconds < Infinity);
    if (left.length > 0) timer = setTimeout(needFrame, Math.ceil(Math.max(0, Math.min(...left))));
  };
  const untilEnd = ({ effect, currentTime, playbackRate, playState }) => {
    if (playState === "finished") return 0; // but nobody has heard of it
    if (playState !== "running" || playbackRate <= 0) return Infinity;
    return (effect.getComputedTiming().endTime - currentTime) / playbackRate;
  };
  wrap(Element.prototype, "animate", {
    apply(target, self, args) {
      const animation = apply(target, self, args);
      begun.set(animation, now());
      running.add(animation);
      for (const event of ["cancel", "finish"]) {
        apply(addEventListener, animation, [event, () => running.delete(animation), ONCE]);
      }
      needFrame();
      return animation;
    },
  });

  wrap(Document.prototype, "startViewTransition", {
    apply(target, self, args) {
      const transition = apply(target, self, args);
      const done = hold("startViewTransition");
      apply(then, transition.finished, [done, done]);
      return transition;
    },
  });
})
