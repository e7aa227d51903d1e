// What the browser does when it draws, or has drawn and is idle, it does by real time, 60 times a second: observers of sizes and
// of what is in view look then, animations get on, views change. So time waits for a frame where a page has asked for what comes
// with one.
((hold, wrap) => {
  const { apply } = Reflect;
  const { clearTimeout, document, performance, requestAnimationFrame, setTimeout, MessageChannel, MutationObserver } = window;
  const { then } = Promise.prototype;
  const { postMessage } = MessagePort.prototype;
  const { addEventListener } = EventTarget.prototype;
  const { observe } = MutationObserver.prototype;
  const { finish } = Animation.prototype;
  const { get: timelineOf } = Object.getOwnPropertyDescriptor(Document.prototype, "timeline");
  // A document that is not on the screen has no frames; on a busy machine the others may take their time.
  const FIRST = { steps: 100 };
  const PATIENCE = { steps: 400 };
  const timeline = () => apply(timelineOf, document, []);
  let isAsked = false;
  let end = () => {};
  let channel = null;

  const needFrame = () => {
    if (isAsked || document.hidden) return;
    isAsked = true;
    end = hold("a frame", channel ? PATIENCE : FIRST);
    void timeline().currentTime; // what is read gets on: animations of style sheets
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
    waitUntilIdle();
    end();
  };
  const shown = () => {
    if (watcher) needFrame();
    endWhatIsOver();
  };
  apply(addEventListener, document, ["visibilitychange", () => (document.hidden ? end() : shown())]);

  // A page that asks all the time would get on by real time alone. So it gets what it asks for at once only where that is not too
  // often, and else ever more rarely; the function that this returns says how many milliseconds it is to wait.
  const AT_ONCE = 20;
  const ONE_MORE = 15_000;
  const LONGEST = 120_000;
  const sparingly = () => {
    let allowed = AT_ONCE;
    let oneMore = ONE_MORE;
    let counted = 0;
    return () => {
      const time = performance.now();
      allowed = Math.min(AT_ONCE, allowed + (time - counted) / oneMore);
      counted = time;
      if (allowed === AT_ONCE) oneMore = ONE_MORE;
      if (allowed < 1) return Math.ceil((1 - allowed) * oneMore);
      if (--allowed < 1) oneMore = Math.min(2 * oneMore, LONGEST);
      return 0;
    };
  };

  // Whatever changes may concern an observer.
  const EVERYTHING = { attributes: true, characterData: true, childList: true, subtree: true };
  const untilNext = sparingly();
  let later = null;
  let watcher = null;
  const changed = () => {
    if (later !== null) return;
    const wait = untilNext();
    if (wait > 0) later = setTimeout(again, wait);
    else needFrame();
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

  // An animation lives by the document's timeline, which gets on with the frames: it may stand at zero, go by real time, or be
  // hours behind. So one begins at the moment at which it is asked to, and is brought to its end when that has come.
  const FRAME = 1000 / 60;
  const LONGEST_TIMER = 2 ** 31 - 1;
  const running = new Set();
  let timer = null;
  const untilEnd = ({ effect, startTime, playbackRate, playState }) => {
    if (playState === "finished") return 0; // but nobody may have heard of it
    if (playState !== "running" || playbackRate <= 0) return Infinity;
    return startTime + Math.max(FRAME, effect.getComputedTiming().endTime / playbackRate) - performance.now();
  };
  const endWhatIsOver = () => {
    if (document.hidden) return; // nothing ends there before it is drawn
    clearTimeout(timer);
    let next = Infinity;
    for (const animation of running) {
      const left = untilEnd(animation);
      if (left > 0 && left < Infinity) {
        next = Math.min(next, left);
        continue;
      }
      running.delete(animation);
      if (left <= 0) {
        apply(finish, animation, []);
        needFrame(); // which tells of it
      }
    }
    if (next < Infinity) timer = setTimeout(endWhatIsOver, Math.min(Math.ceil(next), LONGEST_TIMER));
  };
  const begin = (animation) => {
    if (animation.timeline !== timeline() || !animation.pending || animation.playbackRate <= 0) return;
    animation.startTime = performance.now() - animation.currentTime / animation.playbackRate;
    running.add(animation);
    endWhatIsOver();
  };
  wrap(Element.prototype, "animate", {
    apply(target, self, args) {
      const animation = apply(target, self, args);
      begin(animation);
      return animation;
    },
  });
  wrap(Animation.prototype, "play", {
    apply(target, self, args) {
      apply(target, self, args);
      begin(self);
    },
  });
  wrap(Animation.prototype, "pause", {
    apply(target, self, args) {
      const isRunning = running.delete(self) && self.playState === "running";
      const reached = isRunning ? (performance.now() - self.startTime) * self.playbackRate : null;
      apply(target, self, args);
      if (isRunning) self.currentTime = reached;
    },
  });

  // A page is not idle before it has drawn what has changed, but soon afterwards, if it has nothing else to do.
  const untilIdle = sparingly();
  const callbacks = new Set();
  let isIdle = false;
  let endIdle = () => {};
  const waitUntilIdle = () => {
    endIdle();
    if (callbacks.size > 0) endIdle = hold("requestIdleCallback", PATIENCE);
  };
  wrap(window, "requestIdleCallback", {
    apply(target, self, args) {
      const [callback, ...options] = args;
      const isWaitedFor = typeof callback === "function" && !document.hidden && !isIdle && untilIdle() === 0;
      if (!isWaitedFor) return apply(target, self, args);
      const called = (deadline) => {
        callbacks.delete(id);
        if (callbacks.size === 0) endIdle();
        isIdle = true;
        try {
          callback(deadline);
        } finally {
          isIdle = false;
        }
      };
      const id = apply(target, self, [called, ...options]);
      callbacks.add(id);
      needFrame();
      return id;
    },
  });
  wrap(window, "cancelIdleCallback", {
    apply(target, self, args) {
      callbacks.delete(args[0]);
      return apply(target, self, args);
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
