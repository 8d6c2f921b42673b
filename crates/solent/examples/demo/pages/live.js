// A WebSocket that comes back: reconnects with a growing, jittered pause, and shows its state in the element #status.
// What is sent meanwhile is kept, in order, and sent when the socket is open again. `onOpen` is called each time it is.
// `onCode` has functions for close codes after which it does not come back.
function live(path, onMessage, { onCode = {}, onOpen = () => {} } = {}) {
  const status = document.getElementById("status");
  const url = (location.protocol === "https:" ? "wss://" : "ws://") + location.host + path;
  const most = 100, unsent = [];
  let socket, timer, pause = 500, state = "connecting …";
  const isOpen = () => socket.readyState === WebSocket.OPEN;
  function show(text) {
    state = text;
    status.textContent = unsent.length ? `${text} ${unsent.length} waiting to be sent` : text;
    status.className = isOpen() ? "status open" : "status";
  }
  function connect() {
    clearTimeout(timer);
    const mine = socket = new WebSocket(url);
    mine.onopen = () => {
      pause = 500;
      while (unsent.length) mine.send(unsent.shift());
      show("connected");
      onOpen();
    };
    mine.onmessage = (event) => onMessage(JSON.parse(event.data));
    mine.onclose = (event) => {
      if (mine !== socket) return;
      if (event.code in onCode) { show(`closed (${event.code})`); return onCode[event.code](); }
      show(navigator.onLine ? `closed (${event.code}), connecting again …` : "offline, connecting again …");
      timer = setTimeout(connect, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, 15000);
    };
  }
  connect();
  // Without these a page would wait for its next try, or for a time-out of the dead connection.
  addEventListener("online", () => { if (!isOpen()) connect(); });
  addEventListener("offline", () => socket.close());
  // What is not sent is lost with the page.
  addEventListener("beforeunload", (event) => { if (unsent.length) event.preventDefault(); });
  return {
    isOpen,
    // Whether it was sent or is kept: no more than so many are.
    send: (value) => {
      const text = JSON.stringify(value);
      if (isOpen()) { socket.send(text); return true; }
      if (unsent.length >= most) return false;
      unsent.push(text);
      show(state);
      return true;
    },
  };
}
