// A WebSocket that comes back: reconnects with a growing, jittered pause, and shows its state in the element #status.
function live(path, onMessage) {
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
      show(`closed (${event.code}), connecting again …`, false);
      setTimeout(connect, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, 15000);
    };
  }
  connect();
  return { send: (value) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(value)) };
}
