// The other end of worker_messages.js. When a note is here, the message before it has been handled, and with the first one the
// script has run: the list of timers is complete, and time may go on. Returns the listener that takes the notes.
((heard, take, { binding }) => {
  const { apply } = Reflect;
  const { addEventListener } = EventTarget.prototype;
  const tell = self[binding];
  delete self[binding];

  const noted = (event) => {
    for (const port of event.ports ?? []) apply(addEventListener, port, ["message", noted]);
    const note = take(event);
    if (note === null) heard.beat();
    else if (note !== undefined) tell(String(note));
  };
  addEventListener("message", noted);

  if (typeof SharedWorkerGlobalScope !== "function") return noted;
  const { port1: afterwards, port2: later } = new MessageChannel();
  afterwards.onmessage = () => tell(` ${location}`);
  addEventListener("connect", (event) => {
    noted(event);
    later.postMessage(null);
  });
  return noted;
})
