// Time waits for what the browser does on its other threads and in its other processes, where its own virtual time does not.
// The tables say which calls these are and how one sees that such a call has ended; __init__.py says what they take if left
// alone.
((hold, keepBusy, settled, wrap) => {
  const { apply, construct, getOwnPropertyDescriptor } = Reflect;
  const { then } = Promise.prototype;
  const { addEventListener } = EventTarget.prototype;
  const DELIVERY = { steps: 6 };
  const ANSWER = { first: 128, longest: 256 };

  const PROMISED = {
    BaseAudioContext: ["decodeAudioData"],
    SubtleCrypto: ["decrypt", "deriveBits", "deriveKey", "encrypt", "exportKey", "generateKey", "importKey", "sign", "unwrapKey", "verify", "wrapKey"],
    CacheStorage: ["delete", "has", "keys", "match", "open"],
    Cache: ["add", "addAll", "delete", "keys", "match", "matchAll", "put"],
    Blob: ["arrayBuffer", "bytes", "text"],
    Clients: ["claim", "get", "matchAll"],
    Clipboard: ["read", "readText", "write", "writeText"],
    CookieStore: ["delete", "get", "getAll"], // cookies.js has `set`
    CredentialsContainer: ["create", "get"],
    FileSystemDirectoryHandle: ["getDirectoryHandle", "getFileHandle", "removeEntry", "resolve"],
    FileSystemFileHandle: ["createSyncAccessHandle", "createWritable", "getFile"],
    FileSystemHandle: ["isSameEntry", "queryPermission"],
    FileSystemWritableFileStream: ["seek", "truncate", "write"],
    FontFace: ["load"],
    FontFaceSet: ["load"],
    HTMLImageElement: ["decode"],
    IDBFactory: ["databases"],
    LockManager: ["query"],
    MediaDevices: ["enumerateDevices"],
    OfflineAudioContext: ["startRendering"],
    Permissions: ["query"],
    ServiceWorkerContainer: ["getRegistration", "getRegistrations"],
    ServiceWorkerRegistration: ["unregister", "update"],
    StorageManager: ["estimate", "getDirectory", "persist", "persisted"],
  };
  // Interface -> methods that return what later says that it is done by one of the events.
  const ANNOUNCED = {
    IDBFactory: [["deleteDatabase", "open"], ["success", "error", "blocked"]],
    IDBDatabase: [["transaction"], ["complete", "abort"]],
  };
  // Interface -> methods of what later says so itself.
  const OWN_EVENTS = {
    FileReader: [["readAsArrayBuffer", "readAsBinaryString", "readAsDataURL", "readAsText"], ["loadend"]],
  };
  // A worker's requests are no loads of the page, which are waited for; nor does time wait for what comes back to its thread.
  if (typeof WorkerGlobalScope === "function") {
    PROMISED.SubtleCrypto.push("digest");
    Object.assign(PROMISED, {
      Response: ["arrayBuffer", "blob", "bytes", "formData", "json", "text"],
      Request: ["arrayBuffer", "blob", "bytes", "formData", "json", "text"],
    });
    OWN_EVENTS.XMLHttpRequest = [["send"], ["loadend"]];
    wrap(globalThis, "fetch", { apply: (target, self, args) => settled("fetch", apply(target, self, args)) });
  } else {
    const asks = { apply: (target, self, args) => (keepBusy(), apply(target, self, args)) };
    wrap(globalThis, "fetch", asks);
    wrap(XMLHttpRequest.prototype, "send", asks);
  }

  function until(events, target, end) {
    for (const event of events) apply(addEventListener, target, [event, end, { __proto__: null, once: true }]);
  }

  function wrapAll(table, handler) {
    for (const [interfaceName, entry] of Object.entries(table)) {
      const [methods, events] = Array.isArray(entry[0]) ? entry : [entry];
      for (const method of methods) {
        wrap(globalThis[interfaceName]?.prototype, method, { apply: handler(`${interfaceName}.${method}`, events) });
      }
    }
  }

  wrapAll(PROMISED, (call) => (target, self, args) => settled(call, apply(target, self, args)));
  wrapAll(ANNOUNCED, (call, events) => (target, self, args) => {
    const result = apply(target, self, args);
    until(events, result, hold(call, { brief: true }));
    return result;
  });
  wrapAll(OWN_EVENTS, (call, events) => (target, self, args) => {
    const end = hold(call, { brief: true });
    until(events, self, end); // before, for a synchronous request ends within its call
    try {
      return apply(target, self, args);
    } catch (error) {
      end();
      throw error;
    }
  });
  const { WebAssembly, WritableStream, FileSystemWritableFileStream } = globalThis;
  for (const [object, method] of [
    [globalThis, "createImageBitmap"],
    [WebAssembly, "compile"],
    [WebAssembly, "compileStreaming"],
    [WebAssembly, "instantiate"],
    [WebAssembly, "instantiateStreaming"],
  ]) {
    wrap(object, method, { apply: (target, self, args) => settled(method, apply(target, self, args)) });
  }
  // Others end when their reader likes.
  const isFile = (stream) => FileSystemWritableFileStream && stream instanceof FileSystemWritableFileStream;
  wrap(WritableStream.prototype, "close", {
    apply(target, self, args) {
      const closed = apply(target, self, args);
      return isFile(self) ? settled("FileSystemWritableFileStream.close", closed) : closed;
    },
  });

  // A lock may be another's for hours. The lock manager answers in order, so with its next answer a lock that is free has been
  // given. One that was given back may have become another's, who has yet to hear of it.
  const { LockManager, BroadcastChannel } = globalThis;
  const { query } = LockManager?.prototype ?? {};
  const untilManaged = (manager, given) => {
    const end = hold("LockManager.request");
    const managed = ({ held = [] } = {}) => {
      if (held.some(({ name }) => name === given)) hold("LockManager.request", DELIVERY);
      end();
    };
    apply(then, apply(query, manager, []), [managed, end]);
  };
  wrap(LockManager?.prototype, "request", {
    apply(target, self, args) {
      const result = apply(target, self, args);
      untilManaged(self);
      const returned = (value) => (untilManaged(self, args[0]), value);
      const failed = (error) => {
        untilManaged(self, args[0]);
        throw error;
      };
      return apply(then, result, [returned, failed]);
    },
  });

  // Nobody says when a message has arrived; a listener of our own hears it about when the others do.
  const { close } = BroadcastChannel?.prototype ?? {};
  const { get: nameOf } = BroadcastChannel ? getOwnPropertyDescriptor(BroadcastChannel.prototype, "name") : {};
  const own = (channel) => {
    try {
      return construct(BroadcastChannel, [apply(nameOf, channel, [])]);
    } catch {
      return null; // it is no channel
    }
  };
  wrap(BroadcastChannel?.prototype, "postMessage", {
    apply(target, self, args) {
      const listener = own(self);
      if (listener === null) return apply(target, self, args);
      const end = hold("BroadcastChannel.postMessage");
      const arrived = () => {
        hold("BroadcastChannel.postMessage", DELIVERY);
        end();
        apply(close, listener, []);
      };
      until(["message", "messageerror"], listener, arrived);
      try {
        apply(target, self, args);
      } catch (error) {
        arrived();
        throw error;
      }
    },
  });

  // A server answers what it is sent, or it does not. Messages that begin alike are of a kind: one that is not answered, such as the
  // ping of a dev server's client, is waited for ever more briefly; one that is, longer. What comes is an answer to what was sent
  // last, before the page that hears of it sends more.
  const { slice } = String.prototype;
  const { max, min } = Math;
  const kindOf = (data) => (typeof data === "string" ? apply(slice, data, [0, 16]) : null);
  const patience = new Map();
  const unanswered = new WeakMap();
  wrap(globalThis, "WebSocket", {
    construct(target, args, newTarget) {
      const socket = construct(target, args, newTarget);
      until(["open", "error", "close"], socket, hold("WebSocket"));
      const answered = () => {
        const sent = unanswered.get(socket);
        if (sent && unanswered.delete(socket)) patience.set(sent.kind, min(2 * sent.steps, ANSWER.longest));
      };
      apply(addEventListener, socket, ["message", answered]);
      return socket;
    },
  });
  wrap(globalThis.WebSocket?.prototype, "send", {
    apply(target, self, args) {
      apply(target, self, args);
      const kind = kindOf(args[0]);
      const steps = patience.get(kind) ?? ANSWER.first;
      patience.set(kind, max(1, steps >> 1));
      unanswered.set(self, { kind, steps });
      until(["message", "close"], self, hold("WebSocket.send", { steps }));
    },
  });
})
