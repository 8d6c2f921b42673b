// A WebSocket that comes back: reconnects with a growing, jittered pause, and shows its state in the element #status.
// `onCode` has functions for close codes after which it does not come back.
function live(path, onMessage, onCode = {}) {
  const status = document.getElementById("status");
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  let socket, pause = 500;
  function show(text, open) {
    status.textContent = text;
    status.className = open ? "status open" : "status";
  }
  function connect() {
    socket = new WebSocket(scheme + location.host + path);
    socket.onopen = () => { pause = 500; show("connected", true); };
    socket.onmessage = (event) => onMessage(JSON.parse(event.data));
    socket.onclose = (event) => {
      if (event.code in onCode) { show(`closed (${event.code})`, false); return onCode[event.code](); }
      show(`closed (${event.code}), connecting again …`, false);
      setTimeout(connect, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, 15000);
    };
  }
  connect();
  return { send: (value) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(value)) };
}
